//! GraphQL on the wire: over HTTP and over `graphql-transport-ws` sockets.
//!
//! Around the executor, not inside it. A request passes the [`gate`], which
//! refuses whatever the specification refuses before anything runs; what comes
//! out passes the [`completion`], which puts back the nulls that the executor
//! drops. In between, [`execution`] is the only module that meets the executor.
//! No resolver lives here.
//!
//! ```text
//! http   ╲                                        ╱ http
//!         parameters → gate → executor → completion
//! socket ╱                                        ╲ socket
//! ```

mod settings;
mod session;
mod fault;
mod parameters;
mod gate;
mod completion;
mod execution;
mod http;
mod socket;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use async_graphql::Executor;
use axum::Router;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    graphiql,
    rest::{Mount, Route},
};

pub use gate::SchemaError;
pub use session::{Authenticate, Bearer, Clock, Denied, Session};
pub use settings::{Limits, Settings, SocketSettings};

use execution::Execution;

/// What the transport takes from its surroundings.
pub struct Surroundings {
    /// Tells who is asking.
    pub authenticate: Authenticate,
    /// Tells when sessions end.
    pub clock: Clock,
    /// Once cancelled, every socket is closed with 1012, so that its client comes
    /// back to another process.
    pub drain: CancellationToken,
}

/// GraphQL over HTTP and sockets, on one path.
#[derive(Clone)]
pub struct GraphqlService(Arc<Service>);

/// What every request shares.
struct Service {
    execution: Execution,
    around: Surroundings,
    settings: Settings,
    sockets: TaskTracker,
}

impl GraphqlService {
    /// Puts the transport around an executor, whose schema `sdl` must be. The
    /// executor may validate with [`async_graphql::ValidationMode::Fast`]: the gate
    /// has been there before.
    pub fn try_new<E: Executor>(
        executor: E,
        sdl: &str,
        around: Surroundings,
        settings: Settings,
    ) -> Result<Self, SchemaError> {
        let execution = Execution::try_new(executor, sdl, &settings)?;
        let sockets = TaskTracker::new();
        Ok(Self(Arc::new(Service { execution, around, settings, sockets })))
    }

    /// `/graphql` for requests and sockets and, in development, `/graphiql`.
    pub fn routes(&self) -> Router {
        let graphql = Router::new().mount_whole([Route::Query, Route::Execute], http::answer);
        let graphql = graphql.with_state(self.0.clone());
        if self.0.settings.development { graphql.merge(graphiql::routes()) } else { graphql }
    }

    /// Returns when the last socket is closed. Cancel [`Surroundings::drain`]
    /// first: a server that stops gracefully does not wait for sockets by itself.
    pub async fn drained(&self) {
        self.0.sockets.close();
        self.0.sockets.wait().await;
    }
}
