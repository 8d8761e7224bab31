use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Scrape<'_>, Fault> {
    parse(text.as_bytes(), &TextLimits::default())
}

#[test]
fn reads_with_and_without_headers() {
    let bare = read("a{UUID=\"G\"} 1\n").expect("bare");
    let full = read("# HELP a text\n# TYPE a gauge\na{UUID=\"G\"} 1\n").expect("full");
    assert_eq!(bare.samples[0].labels, full.samples[0].labels);
    assert_eq!(full.samples[0].line, 3);
}

#[test]
fn repeated_blocks_are_counted_once() {
    let block = "# HELP a text\n# TYPE a gauge\na{UUID=\"G\"} 1\n";
    let twice = block.repeat(2);
    let scrape = read(&twice).expect("repeat");
    assert_eq!((scrape.samples.len(), scrape.duplicates, scrape.repeated_headers), (1, 1, 2));
}

#[test]
fn conflicting_repeat_is_refused_with_both_lines() {
    let fault = read("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n").expect_err("conflict");
    assert_eq!(fault.line, 2);
    assert!(fault.what.contains("line 1"), "{fault}");
    assert!(read("a 1\na 1.0\n").is_ok());
    assert!(read("a 1 1000\na 2 2000\n").is_ok(), "other timestamps are other samples");
}

#[test]
fn hand_abbreviated_labels_are_refused() {
    let fault = read("a{gpu=\"0\",UUID=\"G\"} 1\na{gpu=\"0\",...,modelName=\"L40S\",...} 34.1\n").expect_err("elided");
    assert_eq!((fault.line, fault.column), (2, 11));
    assert!(fault.to_string().contains("unedited"), "{fault}");
}

#[test]
fn escapes_and_blanks() {
    let scrape = read("  a { x = \"q\\\"\\\\\\n\" , } 1.5e3 \r\n").expect("escapes");
    assert_eq!(scrape.samples[0].labels[0].1, "q\"\\\n");
    assert!(read("a{x=\"\\t\"} 1").is_err());
    assert!(read("a{x=\"open} 1").is_err());
    assert!(read("a{x=\"1\",x=\"2\"} 1").is_err());
}

#[test]
fn timestamps_of_both_formats() {
    assert_eq!(read("a 1 1795198179000\n").expect("text").samples[0].timestamp_ms, Some(1_795_198_179_000));
    let open = read("a_total 1 1795198179.25 # {trace_id=\"x\"} 1\n# EOF\n").expect("open");
    assert_eq!(open.samples[0].timestamp_ms, Some(1_795_198_179_250));
    assert!(read("a 1 1795198179.25\n").is_err(), "seconds are no text-format timestamp");
    assert!(read("a 1 2 3\n").is_err());
}

#[test]
fn eof_ends_the_body() {
    let fault = read("a 1\n# EOF\nb 2\n# EOF\n").expect_err("after EOF");
    assert_eq!(fault.line, 3);
    assert!(read("a 1\n# EOF\n\n").is_ok());
}

#[test]
fn not_a_number_values_are_read_as_text() {
    let scrape = read("a NaN\nb +Inf\n").expect("blanks");
    assert_eq!(scrape.samples[1].value, "+Inf");
    assert_eq!(read("a twelve").expect_err("word").column, 3);
}

#[test]
fn a_changed_type_is_refused() {
    assert_eq!(read("# TYPE a gauge\n# TYPE a counter\n").expect_err("type").line, 2);
}

#[test]
fn limits_hold() {
    let limits = TextLimits { rows: 2, ..TextLimits::default() };
    assert!(parse(b"a 1\nb 1\nc 1\n", &limits).is_err());
    let many: String = (0..200).map(|i| format!("l{i}=\"\",")).collect();
    assert!(read(&format!("a{{{many}}} 1")).is_err());
}

proptest! {
    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn mutated_lines_never_panic(cut in 0_usize..90, insert in any::<char>()) {
        let line = "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-c2f7\",modelName=\"NVIDIA L4\"} 16.365 179519";
        let mut text: String = line.chars().take(cut).collect();
        text.push(insert);
        text.extend(line.chars().skip(cut));
        let _ = read(&text);
    }

    #[test]
    fn writes_and_reads_back(value in "[a-zA-Z\"\\\\\n ]{0,20}", number in any::<i32>()) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let text = format!("m{{l=\"{escaped}\"}} {number}\n");
        let scrape = read(&text).expect("round trip");
        prop_assert_eq!(scrape.samples[0].labels[0].1.as_ref(), value.as_str());
    }
}
