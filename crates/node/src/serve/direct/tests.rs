#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use crate::serve::{Limits, Server};
use axum::Router;
use axum::routing::{get, post};
use proptest::prelude::*;

const MOST: usize = 100;

fn seen(text: &str) -> Seen {
    look(text.as_bytes(), "/add", MOST)
}

#[test]
fn the_one_form_is_recognised_from_its_first_byte_on() {
    let head = "POST /add HTTP/1.1\r\nHost: x\r\nCONTENT-LENGTH: 12\r\nconnection: Keep-Alive\r\naccept: */*\r\n\r\n";
    for cut in 0..head.len() {
        assert_eq!(seen(&head[..cut]), Seen::Part, "{cut}");
    }
    let request = Seen::Request(Head { head_bytes: head.len(), body_bytes: 12 });
    assert_eq!(seen(head), request);
    assert_eq!(seen(&format!("{head}{{\"a\": 1}} POST /")), request);
}

#[test]
fn everything_else_is_for_the_general_server() {
    let with = |fields: &str| format!("POST /add HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
    let too_many: String = (0..40).map(|number| format!("x-{number}: 1\r\n")).collect();
    for other in [
        "GET /add HTTP/1.1\r\n\r\n".to_owned(),
        "P".repeat(2),
        "\r\nPOST /add".to_owned(),
        "POST /added HTTP/1.1\r\n".to_owned(),
        "POST /add?x HTTP/1.1\r\n".to_owned(),
        "POST /add HTTP/1.0\r\n".to_owned(),
        "POST /add  HTTP/1.1\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        with(""),
        with("content-length: 101\r\n"),
        with("content-length: +5\r\n"),
        with("content-length: -5\r\n"),
        with("content-length: 0x5\r\n"),
        with("content-length: \r\n"),
        with("content-length: 5, 5\r\n"),
        with("content-length: 5\r\ncontent-length: 5\r\n"),
        with("content-length: 5\r\ncontent-length: 6\r\n"),
        with("content-length: 9999999999999999999999\r\n"),
        with("content-length: 5\r\ntransfer-encoding: chunked\r\n"),
        with("transfer-encoding: chunked\r\n"),
        with("content-length: 5\r\nexpect: 100-continue\r\n"),
        with("content-length: 5\r\nconnection: close\r\n"),
        with("content-length: 5\r\nconnection: upgrade\r\nupgrade: h2c\r\n"),
        with("content-length : 5\r\n"),
        with("content-length: 5\r\n folded\r\n"),
        with("content-length: 5\r\nb@d name: 1\r\n"),
        with(&format!("content-length: 5\r\n{too_many}")),
    ] {
        assert_eq!(seen(&other), Seen::Other, "{other}");
    }
    let endless = format!("POST /add HTTP/1.1\r\nx: {}", "y".repeat(MAX_HEAD_BYTES));
    assert_eq!(seen(&endless), Seen::Other);
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), behind in any::<bool>()) {
        let bytes = if behind { [b"POST /add HTTP/1.1\r\n".as_slice(), &bytes].concat() } else { bytes };
        if let Seen::Request(head) = look(&bytes, "/add", MOST) {
            prop_assert!(head.head_bytes <= bytes.len() && head.body_bytes <= MOST);
            prop_assert!(bytes[..head.head_bytes].ends_with(b"\n"));
        }
    }
}

/// Answers with the body it got; the general router does too, but says so.
struct Echo;

impl Direct for Echo {
    fn path(&self) -> &'static str {
        "/add"
    }
    fn max_body_bytes(&self) -> usize {
        MOST
    }
    fn body_patience(&self) -> Duration {
        Duration::from_millis(300)
    }
    fn answer(&self, body: Vec<u8>) -> LaterAnswer<'_> {
        let body = String::from_utf8(body).unwrap();
        Box::pin(async {
            Answer { status: 200, kind: "text/plain", fields: vec![("x-way", "direct".to_owned())], body }
        })
    }
    fn late(&self) -> Answer {
        Answer { status: 408, kind: "text/plain", fields: Vec::new(), body: "late".to_owned() }
    }
}

async fn server(patience: Duration) -> Server {
    let general = async |body: String| format!("general {body}");
    let router = Router::new().route("/add", post(general)).route("/other", get(async || "other"));
    let limits = Limits { connections: 8, header: patience };
    Server::start_with("127.0.0.1:0".parse().unwrap(), router, limits, Some(Arc::new(Echo))).await.unwrap()
}

/// Sends pieces with a pause between them, then reads until the server closes or is silent.
async fn talk(server: &Server, pieces: &[&str]) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    for piece in pieces {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut read = Vec::new();
    let silent = Duration::from_millis(500);
    while let Ok(Ok(1..)) = tokio::time::timeout(silent, stream.read_buf(&mut read)).await {}
    String::from_utf8(read).unwrap()
}

const ONE: &str = "POST /add HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";

#[tokio::test]
async fn requests_are_answered_in_order_however_they_are_cut() {
    let server = server(Duration::from_secs(5)).await;
    let whole = format!("{ONE}one{ONE}two");
    for pieces in [vec![whole.as_str()], whole.split_inclusive('\n').collect(), whole.split_inclusive("").collect()] {
        let answers = talk(&server, &pieces).await;
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
        assert_eq!(answers.matches("x-way: direct\r\n").count(), 2, "{answers}");
        assert_eq!(answers.matches("date: ").count(), 2, "{answers}");
        assert!(answers.find("\r\n\r\none").unwrap() < answers.find("\r\n\r\ntwo").unwrap(), "{answers}");
    }
}

#[tokio::test]
async fn what_is_something_else_goes_the_general_way_with_everything_unanswered() {
    let server = server(Duration::from_secs(5)).await;
    let other = "GET /other HTTP/1.1\r\nhost: x\r\n\r\n";
    let answers = talk(&server, &[&format!("{ONE}one{other}{ONE}two")]).await;
    let places = ["\r\n\r\none", "\r\n\r\nother", "\r\n\r\ngeneral two"].map(|text| answers.find(text).unwrap());
    assert!(places.is_sorted(), "{answers}");
    let chunked = "POST /add HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert!(talk(&server, &[chunked]).await.ends_with("general abc"));
    let doubtful = "POST /add HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde";
    assert!(talk(&server, &[doubtful]).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let server = server(Duration::from_millis(200)).await;
    for silent in ["", "POST /a", ONE.strip_suffix("\r\n").unwrap()] {
        assert_eq!(talk(&server, &[silent]).await, "", "{silent}");
    }
    let answer = talk(&server, &[&format!("{ONE}on")]).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n") && answer.ends_with("\r\n\r\nlate"), "{answer}");
}

#[tokio::test]
async fn an_orderly_end_closes_connections_at_rest_at_once() {
    let mut server = server(Duration::from_secs(60)).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(format!("{ONE}one").as_bytes()).await.unwrap();
    let mut read = vec![0; 1000];
    assert!(stream.read(&mut read).await.unwrap() > 0);
    let begun = Instant::now();
    server.stop(Duration::from_secs(30)).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(stream.read(&mut read).await.unwrap(), 0);
}
