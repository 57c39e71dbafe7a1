//! What a site's robots.txt asks of us.

use std::time::Duration;

use texting_robots::Robot;

/// How much of a robots.txt is read.
pub(super) const BYTES_MAX: usize = 500 * 1024;

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
            200..=299 => match Robot::new(AGENT, body) {
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
