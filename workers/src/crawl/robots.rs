//! What a site's robots.txt asks of us.

use std::time::Duration;

use texting_robots::Robot;

/// How much of a robots.txt is read.
pub(super) const BYTES_MAX: usize = 500 * 1024;

/// How many rules with a `$` are taken at their word. Each takes thousands of
/// times the memory of another, and the time to match.
const EXACT_MAX: usize = 100;

/// Whom a robots.txt knows us as.
pub(super) const AGENT: &str = "Greffe";

/// What a site asks of us.
pub(super) enum Robots {
    /// Nothing: it has no robots.txt, or keeps it from us.
    Nothing,
    /// These rules.
    Rules(Box<Robot>),
}

impl Robots {
    /// What it means that a robots.txt is answered like this; nothing, if it
    /// cannot be had just now: until it can, nothing is fetched.
    pub(super) fn answered(status: u16, body: &[u8]) -> Option<Self> {
        Some(match status {
            200..=299 => match Robot::new(AGENT, &bounded(body)) {
                Ok(robot) => Self::Rules(Box::new(robot)),
                // Rules that cannot be read are none.
                Err(_) => Self::Nothing,
            },
            429 | 500.. => return None,
            _ => Self::Nothing,
        })
    }

    /// Whether the page may be fetched.
    pub(super) fn allows(&self, url: &str) -> bool {
        match self {
            Self::Nothing => true,
            Self::Rules(robot) => robot.allowed(url),
        }
    }

    /// How long it wants us to wait between two pages.
    pub(super) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Rules(robot) => robot.delay.and_then(|it| Duration::try_from_secs_f32(it).ok()),
            Self::Nothing => None,
        }
    }
}

/// The rules without what would be too much work in them: of too many that say
/// where an address ends, the later ones forbid all that begins like it, and
/// allow nothing. So nothing is fetched that they forbid.
fn bounded(body: &[u8]) -> Vec<u8> {
    let mut bounded = Vec::with_capacity(body.len());
    let mut exact = 0;
    // Whoever reads them takes a NUL for the end of a line, too.
    for line in body.split_inclusive(|it| matches!(it, b'\n' | b'\r' | b'\0')) {
        let rule = line.trim_ascii_start();
        let end = rule.iter().position(|it| *it == b'$');
        let (Some(end), Some(b'a' | b'A' | b'd' | b'D')) = (end, rule.first()) else {
            bounded.extend_from_slice(line);
            continue;
        };
        exact += 1;
        if exact <= EXACT_MAX {
            bounded.extend_from_slice(line);
        } else if matches!(rule.first(), Some(b'd' | b'D')) {
            bounded.extend_from_slice(&rule[..end]);
            bounded.push(b'\n');
        }
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[u8] = b"User-agent: *\nDisallow: /private/\nCrawl-delay: 2\n\
        \nUser-agent: greffe\nDisallow: /keepers/\nAllow: /keepers/names\n";

    #[test]
    fn a_site_says_what_may_be_fetched_and_how_often() {
        let ours = Robots::answered(200, RULES).unwrap();
        assert!(!ours.allows("http://a.example/keepers/1"));
        assert!(ours.allows("http://a.example/keepers/names"));
        assert!(ours.allows("http://a.example/private/"), "these rules are for others");
        let theirs = Robots::answered(200, &RULES[..RULES.len() - 60]).unwrap();
        assert_eq!(theirs.delay(), Some(Duration::from_secs(2)));
    }

    /// Must never: one site that takes the memory and the time of all.
    #[test]
    fn of_rules_without_number_nothing_is_fetched_that_they_forbid() {
        let rules = (0..40_000).map(|it| format!("Disallow: /{it}$\nAllow: /{it}/a$"));
        let text = ["User-agent: *".to_owned()].into_iter().chain(rules).collect::<Vec<_>>();
        let robots = Robots::answered(200, text.join("\n").as_bytes()).unwrap();
        assert!(robots.allows("http://a.example/7/more"), "the first are taken at their word");
        for path in ["7", "39999", "39999/more", "39999/a"] {
            assert!(!robots.allows(&format!("http://a.example/{path}")), "{path}");
        }
        assert!(robots.allows("http://a.example/other"));
        // Whatever ends a line.
        for end in ["\r", "\r\n", "\0"] {
            let robots = Robots::answered(200, text.join(end).as_bytes()).unwrap();
            assert!(!robots.allows("http://a.example/39999/more"), "{end:?}");
        }
    }

    #[test]
    fn no_rules_allow_everything_and_unknown_rules_nothing() {
        for status in [301, 401, 403, 404, 410] {
            let robots = Robots::answered(status, b"Disallow: /").unwrap();
            assert!(robots.allows("http://a.example/"));
        }
        for status in [429, 500, 503] {
            assert!(Robots::answered(status, b"").is_none());
        }
        let robots = Robots::answered(200, b"\xFF\xFE<html>not rules</html>").unwrap();
        assert!(robots.allows("http://a.example/"));
    }
}
