//! What an operator can decide about the transport.

use std::time::Duration;

/// What an operator can decide about the transport; the defaults are safe.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Serve GraphiQL, and let anybody read the schema. Otherwise only signed-in callers may.
    pub development: bool,
    /// Origins, besides our own, whose pages may open a socket with the cookies of their visitor:
    /// `https://console.example.org`.
    pub origins: Vec<String>,
    /// The longest body of a request, in bytes.
    pub body_max_bytes: usize,
    /// What a document may ask for.
    pub limits: Limits,
    /// How patient sockets are.
    pub socket: SocketSettings,
}

/// What a document may ask for at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Words and signs of the text.
    pub tokens: usize,
    /// Fields inside fields.
    pub depth: usize,
    /// Fields, each as often as its fragment is spread.
    pub fields: usize,
    /// Renamed fields, counted alike.
    pub aliases: usize,
    /// Directives on one field.
    pub directives: usize,
    /// Lists of the schema inside lists of the schema: `fields { type { fields { … } } }`.
    pub introspection: usize,
    /// Bytes of checked documents that are remembered.
    pub cache_bytes: u64,
}

/// How patient a socket is, and how much it may hold.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    /// From the opening to `connection_init`.
    pub init_within: Duration,
    /// Between two pings of ours.
    pub ping_every: Duration,
    /// Without a sign of life before the socket is given up.
    pub dead_after: Duration,
    /// For one frame to leave before its reader counts as too slow.
    pub write_within: Duration,
    /// How long before its session ends a client is told to renew it.
    pub renewal_notice: Duration,
    /// Operations that run at once.
    pub operations_max: usize,
    /// Frames that wait to be written before operations stop producing.
    pub queue_frames: usize,
    /// How many bytes they may have, unless one alone has more.
    pub queue_bytes: usize,
    /// The longest message from a client, in bytes.
    pub message_max_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            development: false,
            origins: Vec::new(),
            body_max_bytes: 256 << 10,
            limits: Limits::default(),
            socket: SocketSettings::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 4_000,
            depth: 15,
            fields: 4_000,
            aliases: 50,
            directives: 8,
            introspection: 2,
            cache_bytes: 8 << 20,
        }
    }
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            init_within: Duration::from_secs(3),
            ping_every: Duration::from_secs(12),
            dead_after: Duration::from_secs(30),
            write_within: Duration::from_secs(10),
            renewal_notice: Duration::from_mins(1),
            operations_max: 100,
            queue_frames: 64,
            queue_bytes: 4 << 20,
            message_max_bytes: 256 << 10,
        }
    }
}
