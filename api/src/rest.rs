//! Every route that is served, in one table: method, path, and who may use it.
//!
//! Routers are made by [`Mount`], which takes nothing that is not in the table, so that nothing can
//! be served without saying for whom. The [`document`] for clients is made of the same table, and a
//! test walks it as a stranger.

pub(crate) mod document;
pub(crate) mod operation;
mod others;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{MethodFilter, any, on},
};

/// Who may use a route. What they find there is a matter of each thing: what is somebody else's is
/// not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever reaches the address.
    Anybody,
    /// Whoever reaches the address, unless the operator has set a token for it.
    Watchers,
    /// Back ends of other applications, which show here what they were given.
    Clients,
    /// Whoever reaches the address: each field of the schema says for whom it is.
    EachField,
    /// Whoever has signed in, or shows a token or a session of theirs.
    SignedIn,
    /// Those of them who may ask for jobs: no viewers, and no tokens of scope `READ`.
    Commanders,
    /// Whoever shows a worker token: their own workers, and what those were given.
    Workers,
}

impl Who {
    /// In the document, for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Watchers => "watchers",
            Self::Clients => "clients",
            Self::EachField => "each-field",
            Self::SignedIn => "signed-in",
            Self::Commanders => "commanders",
            Self::Workers => "workers",
        }
    }

    /// In the document, for people.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Anybody => "Public.",
            Self::Watchers => "Public, unless the operator has set a token for it.",
            Self::Clients => "For clients, which show here the secret that they were given.",
            Self::EachField => "Each field of the schema says who may use it.",
            Self::SignedIn => "For those who have signed in: what is not theirs is not there.",
            Self::Commanders => {
                "For those who have signed in and may ask for jobs: no viewers, and no tokens of \
                 scope `READ`."
            }
            Self::Workers => "For workers, which show the token that they were given.",
        }
    }
}

/// Makes [`Route`] of the table, so that no row can be left out of [`Route::ALL`].
macro_rules! table {
    ($($name:ident: $method:ident $path:literal $who:ident,)*) => {
        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Route { $($name),* }

        impl Route {
            /// All there are.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            pub(crate) fn method(self) -> Method {
                match self { $(Self::$name => Method::$method),* }
            }

            pub(crate) fn path(self) -> &'static str {
                match self { $(Self::$name => $path),* }
            }

            pub(crate) fn who(self) -> Who {
                match self { $(Self::$name => Who::$who),* }
            }

            /// How generated clients call it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

table! {
    Contents: GET "/" Anybody,
    Document: GET "/api/openapi.json" Anybody,
    Health: GET "/health" Anybody,
    Ready: GET "/ready" Anybody,
    Metrics: GET "/metrics" Watchers,
    Query: GET "/graphql" EachField,
    Execute: POST "/graphql" EachField,
    Explorer: GET "/graphiql" Anybody,
    ExplorerFile: GET "/graphiql/{file}" Anybody,
    Token: POST "/api/oauth/token" Clients,
    Join: GET "/join" Anybody,
    ResetPassword: GET "/reset-password" Anybody,
    PasswordScript: GET "/password-page.js" Anybody,
    PasswordStyle: GET "/password-page.css" Anybody,
    SendFile: POST "/api/files" Commanders,
    DropFile: DELETE "/api/files/{id}" Commanders,
    ReadFile: GET "/api/artifacts/{sha256}" SignedIn,
    RegisterWorker: POST "/worker/v1/workers" Workers,
    LeaveWorker: DELETE "/worker/v1/workers/{worker}" Workers,
    Acquire: POST "/worker/v1/leases" Workers,
    Beat: POST "/worker/v1/heartbeats" Workers,
    SendLogs: POST "/worker/v1/leases/{lease}/logs" Workers,
    SendArtifact: POST "/worker/v1/leases/{lease}/artifacts" Workers,
    Settle: POST "/worker/v1/leases/{lease}/settle" Workers,
}

/// The one way to serve something.
pub(crate) trait Mount<S> {
    /// Answers a route of the table.
    fn mount<H: Handler<T, S>, T: 'static>(self, route: Route, handler: H) -> Self;

    /// Answers a path of the table under every method, by a handler that refuses those which are
    /// not in the table in its own words.
    fn mount_whole<H: Handler<T, S>, T: 'static>(self, routes: [Route; 2], handler: H) -> Self;

    /// Says of everything else under `path` that it is not there.
    fn refuse_rest<H: Handler<T, S>, T: 'static>(self, path: &str, refusing: H) -> Self;
}

impl<S: Clone + Send + Sync + 'static> Mount<S> for Router<S> {
    fn mount<H: Handler<T, S>, T: 'static>(self, route: Route, handler: H) -> Self {
        let method = MethodFilter::try_from(route.method()).expect("a method that routes can have");
        self.route(route.path(), on(method, handler))
    }

    fn mount_whole<H: Handler<T, S>, T: 'static>(self, routes: [Route; 2], handler: H) -> Self {
        let [path, same] = routes.map(Route::path);
        assert_eq!(path, same, "these are two methods of one path");
        self.route(path, any(handler))
    }

    fn refuse_rest<H: Handler<T, S>, T: 'static>(self, path: &str, refusing: H) -> Self {
        self.route(path, any(refusing))
    }
}
