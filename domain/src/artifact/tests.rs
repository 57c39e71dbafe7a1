use proptest::prelude::*;

use super::{NotASha256, Sha256};

#[test]
fn a_hash_is_written_in_lower_case_and_read_in_any() {
    let hash = Sha256::new([0xAB; 32]);
    assert_eq!(hash.to_string(), "ab".repeat(32));
    assert_eq!("AB".repeat(32).parse(), Ok(hash));
    assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{}\"", "ab".repeat(32)));
}

#[test]
fn what_is_no_hash_is_refused() {
    for text in
        ["", "ab", &"ab".repeat(31), &"ab".repeat(33), &"gg".repeat(32), &"é".repeat(32), "a"]
    {
        assert_eq!(text.parse::<Sha256>(), Err(NotASha256), "{text}");
        let json = serde_json::to_string(text).unwrap();
        let refusal = serde_json::from_str::<Sha256>(&json).unwrap_err().to_string();
        assert!(refusal.starts_with("a SHA-256 is 64 hexadecimal digits"), "{refusal}");
    }
}

proptest! {
    #[test]
    fn every_hash_is_read_back(bytes in any::<[u8; 32]>()) {
        let hash = Sha256::new(bytes);
        prop_assert_eq!(hash.to_string().parse(), Ok(hash));
    }
}
