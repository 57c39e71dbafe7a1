use super::{NotAServiceName, ServiceName};

#[test]
fn a_service_has_a_plain_name() {
    for text in ["a", "7", "checksum", "ocr.v2", "a-b_c.d", &"x".repeat(63)] {
        let name: ServiceName = text.parse().unwrap();
        assert_eq!(name.as_str(), text);
        assert_eq!(name.to_string(), text);
    }
}

#[test]
fn what_would_have_to_be_escaped_somewhere_is_no_name() {
    for text in
        ["", "A", "Checksum", "-a", ".a", "_a", "a b", "a/b", "../a", "é", "a\0", &"x".repeat(64)]
    {
        assert_eq!(text.parse::<ServiceName>(), Err(NotAServiceName), "{text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<ServiceName>(&json).is_err(), "{text:?}");
    }
}

#[test]
fn the_built_in_services_are_reserved_and_no_other() {
    for name in [ServiceName::crawl(), ServiceName::report()] {
        assert!(name.is_reserved());
        assert_eq!(name.as_str().parse(), Ok(name));
    }
    assert!(!"crawler".parse::<ServiceName>().unwrap().is_reserved());
}
