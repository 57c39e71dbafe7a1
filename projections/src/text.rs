//! Looking for text in text.

/// The pattern of `ilike` that finds whatever contains `sought`.
pub(crate) fn containing(sought: &str) -> String {
    let mut pattern = String::from("%");
    for it in sought.chars().filter(|it| *it != '\0') {
        if matches!(it, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(it);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn what_is_sought_is_taken_by_its_letters() {
        assert_eq!(containing("a%b_c\\d"), "%a\\%b\\_c\\\\d%");
        assert_eq!(containing("\0"), "%%");
    }
}
