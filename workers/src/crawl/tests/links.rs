//! Addresses, cleaned case by case.

use url::Url;

use crate::crawl::link::{self, MediaKind};

#[test]
fn addresses_of_one_page_are_written_one_way() {
    for (address, clean) in [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("http://example.org./a", "http://example.org/a"),
        ("http://example.org/a#part", "http://example.org/a"),
        ("http://example.org/a/../b/./c", "http://example.org/b/c"),
        ("http://example.org/?", "http://example.org/"),
        ("http://example.org/?utm_source=x&utm_Medium=y", "http://example.org/"),
        ("http://example.org/?id=7&fbclid=1&page=2", "http://example.org/?id=7&page=2"),
        ("http://example.org/?b=2&a=1", "http://example.org/?b=2&a=1"),
        ("http://example.org/?&a=1&&", "http://example.org/?a=1"),
        ("http://ann:secret@example.org/", "http://example.org/"),
        ("http://bücher.example/é", "http://xn--bcher-kva.example/%C3%A9"),
        ("  http://example.org/a b ", "http://example.org/a%20b"),
    ] {
        assert_eq!(link::parse(address).unwrap().as_str(), clean, "{address}");
    }
}

#[test]
fn what_is_nowhere_on_the_web_is_no_link() {
    let base = Url::parse("http://example.org/a/b").unwrap();
    let long = format!("/{}", "x".repeat(2_048));
    for it in
        ["mailto:a@example.org", "javascript:void(0)", "ftp://x/", "data:,x", "http://", &long]
    {
        assert_eq!(link::resolve(&base, it), None, "{it}");
    }
    for (reference, target) in [
        ("c", "http://example.org/a/c"),
        ("/c", "http://example.org/c"),
        ("//other.example/c", "http://other.example/c"),
        ("?page=2", "http://example.org/a/b?page=2"),
        ("../../../c", "http://example.org/c"),
        ("", "http://example.org/a/b"),
        ("#part", "http://example.org/a/b"),
    ] {
        assert_eq!(link::resolve(&base, reference).unwrap().as_str(), target, "{reference}");
    }
}

#[test]
fn paths_that_repeat_themselves_are_traps() {
    let is_trap =
        |path: &str| link::is_trap(&Url::parse("http://a.example").unwrap().join(path).unwrap());
    assert!(is_trap("/a/b/a/b/a/b/a/b"));
    assert!(
        is_trap(&"/x".repeat(4))
            && is_trap(&(0..31).map(|it| format!("/{it}")).collect::<Vec<_>>().concat())
    );
    assert!(!is_trap("/2024/01/01/01") && !is_trap("/") && !is_trap("/a/b/a/b/a"));
}

#[test]
fn names_tell_files_from_pages() {
    let media =
        |path: &str| link::media(&Url::parse("http://a.example").unwrap().join(path).unwrap());
    assert_eq!(media("/a/Report.PDF?x=1"), Some(MediaKind::Document));
    assert_eq!(media("/tower.jpg"), Some(MediaKind::Img));
    assert_eq!(media("/sea.ogg"), Some(MediaKind::Audio));
    assert_eq!(media("/sea.webm"), Some(MediaKind::Video));
    for page in ["/", "/a", "/a.html", "/a.php?f=x.pdf", "/version-1.2", "/pdf"] {
        assert_eq!(media(page), None, "{page}");
    }
}
