//! Where files lie: a folder of this machine, or a bucket of somebody else's.

use std::{fs, io, path::PathBuf, sync::Arc};

use object_store::{
    ObjectStore, ObjectStoreScheme, local::LocalFileSystem, parse_url_opts, prefix::PrefixStore,
};
use url::Url;

use crate::ConnectError;

/// The stores other than a folder whose clients are built in, by their features.
pub(crate) const BUILT_IN: &[&str] = &[
    #[cfg(feature = "s3")]
    "s3",
    #[cfg(feature = "gcs")]
    "gcs",
    #[cfg(feature = "azure")]
    "azure",
];

/// A store, opened.
pub(crate) struct Place {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Set if it is a folder.
    pub(crate) folder: Option<PathBuf>,
}

pub(crate) fn open(
    place: &str,
    options: Vec<(String, String)>,
    built_in: &[&str],
) -> Result<Place, ConnectError> {
    let no_place = || ConnectError::NoPlace { place: place.to_owned() };
    if !place.contains("://") {
        return if place.is_empty() {
            Err(no_place())
        } else {
            folder(place, PathBuf::from(place))
        };
    }
    let url = Url::parse(place).map_err(|_| no_place())?;
    let (scheme, _) = ObjectStoreScheme::parse(&url).map_err(|_| no_place())?;
    let feature = match scheme {
        ObjectStoreScheme::Local => {
            return folder(place, url.to_file_path().map_err(|()| no_place())?);
        }
        ObjectStoreScheme::AmazonS3 => "s3",
        ObjectStoreScheme::GoogleCloudStorage => "gcs",
        ObjectStoreScheme::MicrosoftAzure => "azure",
        // What is in memory is gone with the process, and a web server keeps nothing for us.
        ObjectStoreScheme::Memory | ObjectStoreScheme::Http | _ => return Err(no_place()),
    };
    if !built_in.contains(&feature) {
        return Err(ConnectError::NotBuiltIn { place: place.to_owned(), feature });
    }
    let options = options.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let (store, path) = parse_url_opts(&url, options).map_err(|source| {
        ConnectError::NotWritable { place: place.to_owned(), source: source.into() }
    })?;
    Ok(Place { store: Arc::new(PrefixStore::new(store, path)), folder: None })
}

fn folder(place: &str, folder: PathBuf) -> Result<Place, ConnectError> {
    let not_writable = |source: Box<dyn std::error::Error + Send + Sync>| {
        ConnectError::NotWritable { place: place.to_owned(), source }
    };
    let folder = made(folder).map_err(|it| not_writable(it.into()))?;
    let store = LocalFileSystem::new_with_prefix(&folder)
        .map_err(|it| not_writable(it.into()))?
        // What was put is there after a power cut.
        .with_fsync(true);
    Ok(Place { store: Arc::new(store), folder: Some(folder) })
}

/// The folder, made if it is not there, for nobody else to read.
fn made(folder: PathBuf) -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    fs::canonicalize(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKETS: [(&str, &str); 3] =
        [("s3://a/b", "s3"), ("gs://a/b", "gcs"), ("az://a/b", "azure")];

    fn lacks(place: &str, built_in: &[&str]) -> Option<&'static str> {
        match open(place, Vec::new(), built_in) {
            Err(ConnectError::NotBuiltIn { feature, .. }) => Some(feature),
            Ok(_) | Err(_) => None,
        }
    }

    #[test]
    fn a_bucket_that_is_not_built_in_names_the_feature_that_lacks() {
        for (place, feature) in BUCKETS {
            assert_eq!(lacks(place, &[]), Some(feature), "{place}");
            let others: Vec<&str> =
                BUCKETS.iter().map(|it| it.1).filter(|it| *it != feature).collect();
            assert_eq!(lacks(place, &others), Some(feature), "{place}");
        }
    }

    #[test]
    fn what_is_built_in_is_what_the_features_say() {
        let is_built_in = [cfg!(feature = "s3"), cfg!(feature = "gcs"), cfg!(feature = "azure")];
        for ((place, feature), is_built_in) in BUCKETS.into_iter().zip(is_built_in) {
            let lacks = lacks(place, BUILT_IN);
            assert_eq!(lacks, (!is_built_in).then_some(feature), "{place}");
        }
    }
}
