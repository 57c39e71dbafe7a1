//! Names become addresses here, and only such as may be connected to. The
//! connection goes to what was looked at: there is no second look-up in
//! between that could say something else.

use std::{error::Error, net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Allowed;

/// The system's resolver, with a guard.
pub(super) struct Guarded(pub(super) Arc<Allowed>);

/// The name leads to a private network.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private address")]
pub(super) struct PrivateAddress;

/// The name leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
pub(super) struct Unresolved(#[source] Option<std::io::Error>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found.map_err(|it| Unresolved(Some(it)))?.collect();
            if found.is_empty() {
                return Err(Unresolved(None).into());
            }
            let named = allowed.name(name.as_str());
            let may: Vec<_> =
                found.into_iter().filter(|it| named || allowed.address(it.ip())).collect();
            if may.is_empty() {
                return Err(PrivateAddress.into());
            }
            Ok(Box::new(may.into_iter()) as Addrs)
        })
    }
}

/// The error of this type among what led to `error`.
pub(super) fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&it| it.source()).find_map(|it| it.downcast_ref())
}
