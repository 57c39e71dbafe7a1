//! An enum of events, each a struct of its own under its own name.

/// Declares an enum with one newtype variant per event, and how each is
/// written and read. `decode` answers `None` for a name that is not of this
/// enum.
macro_rules! event_types {
    ($(#[$doc:meta])* $enum:ident { $($name:ident,)* } $(nested { $($nested:ident($inner:ty),)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(untagged)]
        pub enum $enum {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
            $($(#[doc = concat!("See [`", stringify!($inner), "`].")] $nested($inner),)*)?
        }

        impl $crate::EventType for $enum {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                    $($(Self::$nested(inner) => inner.name(),)*)?
                }
            }

            fn schema_version(&self) -> u16 {
                1
            }

            fn encode(&self) -> Result<String, serde_json::Error> {
                serde_json::to_string(self)
            }
        }

        impl $enum {
            /// The names that these events are filed under.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// Reads the event filed under `name`.
            pub fn decode(name: &str, payload: &str) -> Option<Result<Self, serde_json::Error>> {
                match name {
                    $(stringify!($name) => Some(serde_json::from_str(payload).map(Self::$name)),)*
                    _ => {
                        $($(if let Some(read) = <$inner>::decode(name, payload) {
                            return Some(read.map(Self::$nested));
                        })*)?
                        None
                    }
                }
            }
        }

        $(impl From<$name> for $enum {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })*
    };
}

pub(crate) use event_types;
