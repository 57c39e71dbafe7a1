//! Which lines are kept, and how the others are refused.

use super::*;

fn refused(body: &[u8]) -> (String, String) {
    let problem = serde_json::to_value(lines(body).unwrap_err()).unwrap();
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    (text("field"), text("rule"))
}

#[test]
fn lines_are_kept_as_they_are() {
    let text = r#"{"message":"one","level":"info","ts":"2026-01-02T03:04:05Z","page":7}"#;
    let body = format!("{text}\n{{ \"message\": \"two\" }}\r\n");
    assert_eq!(lines(body.as_bytes()).unwrap(), [text, r#"{ "message": "two" }"#]);
    assert!(lines(b"").unwrap().is_empty() && lines(b"\n").unwrap().is_empty());
}

#[test]
fn a_line_that_is_no_log_line_is_named_by_its_number_and_field() {
    let good = "{\"message\":\"good\"}\n";
    let refused_second = |line: &str| refused(format!("{good}{line}\n").as_bytes());
    assert_eq!(refused_second("{}"), ("lines/1/message".to_owned(), "required".to_owned()));
    assert_eq!(refused_second(r#"{"message":7}"#).0, "lines/1/message");
    assert_eq!(refused_second(r#"{"message":"m","level":[]}"#).0, "lines/1/level");
    assert_eq!(refused_second(r#"{"message":"m","ts":"yesterday"}"#).0, "lines/1/ts");
    for line in ["", "7", "[]", "{", r#"{"message":"m"} {}"#] {
        assert_eq!(refused_second(line).0, "lines/1", "{line}");
    }
    assert_eq!(refused(b"\xff").0, "body");
}

#[test]
fn what_could_not_be_stored_or_shown_is_refused() {
    assert_eq!(refused(br#"{"message":"a\u0000b"}"#).1, "without NUL");
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(LINE_BYTES_MAX));
    assert_eq!(refused(long.as_bytes()).1, "at most 8192 bytes");
}
