//! Slurm's own list of jobs: `squeue` with columns of fixed width. Widths instead of names or delimiters, because names and comments are
//! written by users, and a job called `x TRES=cpu=1` must not speak for its size.

use super::request::Request;
use super::resources::time_limit_seconds;
use crate::error::GateError;
use standstill_statement::GatePoint;

/// Columns and their widths. The two comments stand last; only they can hold anything.
const COLUMNS: [(&str, usize); 10] = [
    ("JobID", 20),
    ("UserID", 20),
    ("NumNodes", 12),
    ("TimeLimit", 24),
    ("OverSubscribe", 12),
    ("Account", 128),
    ("Partition", 128),
    ("tres-alloc", 512),
    ("admin_comment", 256),
    ("Comment", 1024),
];

/// Most bytes that are read.
const MAX_QUEUE_BYTES: usize = 256 << 20;

/// The arguments of `squeue` after its name: one job, or all running ones.
#[must_use]
pub fn arguments(job_id: Option<u32>) -> Vec<String> {
    let columns: Vec<String> = COLUMNS.iter().map(|(name, width)| format!("{name}:{width}")).collect();
    let mut words: Vec<String> = ["--noheader", "--all", "--array", "-O"].map(str::to_owned).to_vec();
    words.push(columns.join(","));
    match job_id {
        Some(id) => words.extend(["--states=all".to_owned(), format!("--jobs={id}")]),
        None => words.push("--states=running,suspended,configuring,completing,stopped".to_owned()),
    }
    words
}

/// Reads the output, as jobs that start or run. Rows are told apart by their length and not by line ends: a comment may hold a line end, and
/// what follows it could look like the row of another job.
///
/// # Errors
/// [`GateError::Request`] with the line.
pub fn parse(output: &[u8]) -> Result<Vec<Request>, GateError> {
    if output.len() > MAX_QUEUE_BYTES {
        return Err(GateError::Request(format!("squeue gave more than {MAX_QUEUE_BYTES} bytes")));
    }
    let length = COLUMNS.iter().map(|(_, width)| width).sum::<usize>() + 1;
    let rows = output.chunks(length).enumerate();
    rows.map(|(number, row)| {
        let whole =
            row.strip_suffix(b"\n").filter(|row| row.len() + 1 == length).ok_or("it is not of the right length");
        whole.and_then(self::row).map_err(|what| GateError::Request(format!("row {} of squeue: {what}", number + 1)))
    })
    .collect()
}

fn row(line: &[u8]) -> Result<Request, &'static str> {
    let mut at = 0;
    let mut field = [""; COLUMNS.len()];
    for (slot, (_, width)) in field.iter_mut().zip(COLUMNS) {
        let bytes = line.get(at..(at + width).min(line.len())).ok_or("it is too short")?;
        at += width;
        // Only the comments can be cut inside a character; what they lose there is no word of ours.
        let text = std::str::from_utf8(bytes).or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]));
        *slot = text.map_err(|_| "it is not text")?.trim();
    }
    let [id, user, nodes, limit, oversubscribe, account, partition, tres, admin, comment] = field;
    let mut request = Request::empty(GatePoint::Start, user.parse().map_err(|_| "it has no numeric user id")?);
    request.job_id = Some(id.parse().map_err(|_| "it has no numeric job id")?);
    let nodes: u32 =
        nodes.split('-').next_back().unwrap_or_default().parse().map_err(|_| "it has no number of nodes")?;
    (request.min_nodes, request.max_nodes) = (Some(nodes), Some(nodes));
    request.time_limit_minutes = match limit {
        "UNLIMITED" => Some(u32::MAX),
        limit => {
            let seconds = time_limit_seconds(limit).ok_or("its time limit cannot be read")?;
            Some(u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX))
        }
    };
    // NO: the nodes are the job's alone.
    request.exclusive = oversubscribe == "NO";
    let text = |text: &str| (!text.is_empty() && text != "(null)" && text != "N/A").then(|| text.to_owned());
    (request.account, request.partition) = (text(account), text(partition));
    (request.admin_comment, request.comment) = (text(admin), text(comment));
    // A list that fills its column may go on behind it.
    request.tres_allocated = if tres.len() >= 512 { Some("gres:too-long-to-read:".to_owned()) } else { text(tres) };
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: [&str; 10]) -> Vec<u8> {
        let columns = values.iter().zip(COLUMNS).map(|(value, (_, width))| format!("{value:width$}"));
        (columns.collect::<String>() + "\n").into_bytes()
    }

    #[test]
    fn a_line_end_in_a_comment_makes_no_row_of_another_job() {
        let mut values = GOOD;
        let forged = format!("x\n{}", String::from_utf8(line(GOOD)).unwrap().replacen('7', "9", 1));
        values[9] = &forged[..1024];
        let found = parse(&[line(values), line(GOOD)].concat()).unwrap();
        assert_eq!(found.iter().map(|job| job.job_id).collect::<Vec<_>>(), [Some(7), Some(7)]);
    }

    const GOOD: [&str; 10] = [
        "7",
        "1001",
        "2",
        "1:00:00",
        "OK",
        "lab",
        "train",
        "cpu=4,gres/gpu=16",
        "standstill:0123456789abcdef01234567",
        "class=rl run=beta",
    ];

    #[test]
    fn a_row_is_read_by_widths() {
        let found = parse(&line(GOOD)).unwrap().remove(0);
        assert_eq!((found.job_id, found.user_id, found.max_nodes), (Some(7), 1001, Some(2)));
        assert_eq!((found.time_limit_minutes, found.exclusive), (Some(60), false));
        assert_eq!(found.tres_allocated.as_deref(), Some("cpu=4,gres/gpu=16"));
        assert_eq!(found.admin_comment.as_deref(), Some("standstill:0123456789abcdef01234567"));
        let mut values = GOOD;
        (values[3], values[4], values[8]) = ("UNLIMITED", "NO", "(null)");
        let found = parse(&line(values)).unwrap().remove(0);
        assert_eq!((found.time_limit_minutes, found.exclusive, found.admin_comment), (Some(u32::MAX), true, None));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_a_long_list_is_of_unknown_size() {
        for (index, value) in [(0, "x"), (1, "alice"), (2, ""), (3, "soon")] {
            let mut values = GOOD;
            values[index] = value;
            assert!(parse(&line(values)).is_err(), "{index} {value}");
        }
        assert!(parse(b"7 1001").is_err());
        let long = "gres/gpu=1,".repeat(60);
        let mut values = GOOD;
        values[7] = &long[..512];
        assert!(parse(&line(values)).unwrap()[0].may_use_accelerators(&["train".to_owned()]));
        // A comment that is cut inside a character.
        let mut cut = line(GOOD);
        let end = cut.len() - 2;
        cut[end] = 0xc3;
        assert!(parse(&cut).is_ok());
        assert!(parse(&cut[1..]).is_err());
    }
}
