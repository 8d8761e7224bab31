use super::*;
use crate::horizon::record::tests::early_like;

#[test]
fn lengths_read_as_people_say_them() {
    for (minutes, text) in [
        (0.25, "15 s"),
        (0.01, "0.6 s"),
        (4.35, "4.3 min"),
        (59.0, "59 min"),
        (60.0, "1.0 h"),
        (10_020.0, "167 h"),
        (1e9, "over 10,000 h"),
        (1e-9, "under 0.1 s"),
    ] {
        assert_eq!(duration(minutes), text);
    }
    assert_eq!((duration(f64::NAN), duration(f64::INFINITY)), ("none".to_owned(), "unbounded".to_owned()));
}

/// Every coordinate is a number, every plot well-formed enough to have its title and end, and nothing can run or load.
#[test]
fn plots_are_plain_and_the_same_each_time() {
    let record = early_like();
    let made = plots(&record);
    assert_eq!(made.iter().map(|plot| plot.name).collect::<Vec<_>>(), ["fits.svg", "horizon.svg", "doubling.svg"]);
    assert_eq!(plots(&record), made);
    for plot in &made {
        assert!(plot.svg.starts_with("<svg ") && plot.svg.ends_with("</svg>\n"), "{}", plot.name);
        for banned in ["NaN", "inf,", "inf\"", "<script", "href", "url(", "@import", "onload"] {
            assert!(!plot.svg.contains(banned), "{} contains {banned}", plot.name);
        }
        assert_eq!(plot.svg.matches("<text").count(), plot.svg.matches("</text>").count());
    }
    assert!(made[1].svg.contains("Release date") && made[1].svg.contains("(log scale)"));
}
