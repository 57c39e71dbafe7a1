//! `services.yaml`: the services that tasks may be created for.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use commands::services::{Declaration, Services};
use serde::Deserialize;

/// The file that is read if no other is named, and it is there.
const USUAL: &str = "services.yaml";

/// What the file holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    services: Vec<Declaration>,
}

/// Reads the file that is named, or the usual one. What cannot be read, or
/// makes no sense, stops the start, with its line.
pub fn read(named: Option<&Path>) -> anyhow::Result<Services> {
    let path = named.map_or_else(|| PathBuf::from(USUAL), Path::to_owned);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!("there is no {USUAL} here: no tasks can be created");
            return Ok(Services::default());
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    parse(&text).with_context(|| format!("{} cannot be used", path.display()))
}

/// Reads what such a file holds.
pub fn parse(text: &str) -> anyhow::Result<Services> {
    let File { services } = serde_saphyr::from_str(text)?;
    Ok(Services::try_new(services)?)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_file_that_is_no_yaml_is_refused_with_its_line() {
        let error = parse("services:\n  - name: ocr\n   lease_s: 3\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 3"), "{error:#}");
    }

    #[test]
    fn an_unknown_setting_is_refused_with_its_line() {
        let error = parse("services:\n  - name: ocr\n    leese_s: 3\n").unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("leese_s") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_schema_that_is_none_is_refused_with_its_service() {
        let text = "services:\n  - name: ocr\n    schema: { type: nonsense }\n";
        let error = format!("{:#}", parse(text).unwrap_err());
        assert!(error.starts_with("service `ocr`: schema:"), "{error}");
    }

    #[test]
    fn a_lease_of_no_time_is_refused() {
        let error = parse("services:\n  - name: ocr\n    lease_s: 0\n").unwrap_err();
        assert!(format!("{error:#}").starts_with("service `ocr`: lease_s:"), "{error:#}");
    }
}
