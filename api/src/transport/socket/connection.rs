//! One socket, from its opening to its close.

use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Opening,
    alarm::{Alarm, Bell},
    close::{self, Close, End},
    message::{self, ClientMessage, Payload},
    operations::{Frame, Operations},
};
use crate::transport::{
    Service,
    fault::{Code, Fault, Faults},
    parameters::Parameters,
    session::{Bearer, Denied, Session},
    settings::SocketSettings,
};
use crate::{caller_address::CallerAddress, request::Trace};

/// What is known of a socket while it is open.
pub(super) struct Connection {
    service: Arc<Service>,
    sink: SplitSink<WebSocket, Message>,
    /// From the headers; what `connection_init` says goes before it.
    bearer: Option<Result<Option<Bearer>, Denied>>,
    trace: Option<Trace>,
    address: Option<CallerAddress>,
    /// Nobody, until `connection_init` was acknowledged.
    session: Option<Session>,
    /// Cancelled when the session has ended; never, while there is none.
    ended: Arc<CancellationToken>,
    alarm: Alarm,
    operations: Operations,
    heard_at: Instant,
}

impl Connection {
    pub(super) fn new(
        service: Arc<Service>,
        sink: SplitSink<WebSocket, Message>,
        Opening { bearer, trace, address }: Opening,
    ) -> Self {
        let SocketSettings { init_within, queue_frames, queue_bytes, .. } = service.settings.socket;
        Self {
            service,
            sink,
            bearer: Some(bearer),
            trace,
            address,
            session: None,
            ended: Arc::default(),
            alarm: Alarm::until_init(init_within),
            operations: Operations::new(queue_frames, queue_bytes),
            heard_at: Instant::now(),
        }
    }

    /// Speaks and listens until one side has had enough.
    pub(super) async fn converse(mut self, mut stream: SplitStream<WebSocket>) {
        let every = self.settings().ping_every;
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.service.around.drain.clone();
        let end = loop {
            let ended = self.ended.clone();
            let step = tokio::select! {
                () = ended.cancelled() => Err(Close::denied(&Denied::Revoked).into()),
                () = drain.cancelled() => Err(Close::restart().into()),
                bell = self.alarm.ring() => self.rung(bell).await,
                _ = ping.tick() => self.ping().await,
                Some(frame) = self.operations.next() => self.deliver(frame).await,
                message = stream.next() => self.hear(message).await,
            };
            if let Err(end) = step {
                break end;
            }
        };
        drop(self.operations);
        match end {
            End::Gone => {}
            End::Told(close) => {
                tracing::debug!(?close, "a socket is closed");
                close::say(self.sink, stream, close).await;
            }
        }
    }

    fn settings(&self) -> &SocketSettings {
        &self.service.settings.socket
    }

    async fn rung(&mut self, bell: Bell) -> Result<(), End> {
        match bell {
            Bell::Init => Err(Close::init_timeout().into()),
            Bell::Expiry => Err(Close::denied(&Denied::Expired).into()),
            Bell::Notice(expires_at) => {
                self.alarm.await_expiry(self.settings().renewal_notice);
                let notice = json!({ "reauth": true, "exp": expires_at.timestamp() });
                self.send(message::ping(Some(notice))).await
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.heard_at.elapsed() > self.settings().dead_after {
            return Err(Close::silent().into());
        }
        if self.session.is_some() { self.send(message::ping(None)).await } else { Ok(()) }
    }

    async fn deliver(&mut self, mut frame: Frame) -> Result<(), End> {
        let text = std::mem::take(&mut frame.text);
        self.send(text).await?;
        self.operations.delivered(&frame);
        Ok(())
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let Some(Ok(message)) = message else { return Err(End::Gone) };
        self.heard_at = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Close::bad_request("messages are text").into()),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        let bytes_max = self.settings().message_max_bytes;
        if text.len() > bytes_max {
            return Err(Close::too_long(bytes_max).into());
        }
        match ClientMessage::parse(&text).map_err(Close::bad_request)? {
            ClientMessage::Init(payload) => self.init(&payload).await,
            ClientMessage::Ping(payload) => self.pinged(payload).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe { id, parameters } => self.subscribe(id, parameters).await,
            ClientMessage::Complete { id } => {
                self.operations.complete(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: &Payload) -> Result<(), End> {
        let bearer = self.bearer.take().ok_or_else(Close::initialised_twice)?;
        let bearer = claimed(payload).unwrap_or(bearer).map_err(|it| Close::denied(&it))?;
        let session = self.authenticate(bearer).await?;
        self.enter(session);
        self.send(message::ack()).await
    }

    /// An ordinary ping is echoed. One with credentials renews the session, without
    /// a pause for its operations.
    async fn pinged(&mut self, payload: Option<Payload>) -> Result<(), End> {
        let renewal = payload.as_ref().and_then(claimed).zip(self.session.as_ref());
        let Some((bearer, current)) = renewal else {
            return self.send(message::pong(payload.map(Value::Object))).await;
        };
        let subject = current.subject.clone();
        let bearer = bearer.map_err(|it| Close::denied(&it))?;
        let session = self.authenticate(bearer).await?;
        if session.subject != subject {
            return Err(Close::another_subject().into());
        }
        let exp = session.expires_at.map(|it| it.timestamp());
        self.enter(session);
        self.send(message::pong(Some(json!({ "exp": exp })))).await
    }

    async fn authenticate(&self, bearer: Option<Bearer>) -> Result<Session, End> {
        (self.service.around.authenticate)(bearer).await.map_err(|denied| {
            let close = Close::denied(&denied);
            if let Denied::Broken(_) = denied {
                drop(Faults::from(denied)); // which puts the cause into the log
            }
            close.into()
        })
    }

    fn enter(&mut self, session: Session) {
        let now = (self.service.around.clock)();
        let notice = self.settings().renewal_notice;
        self.alarm.follow(session.expires_at, now, notice);
        self.ended = session.ended.clone().unwrap_or_default();
        self.session = Some(session);
    }

    async fn subscribe(&mut self, id: String, parameters: Parameters) -> Result<(), End> {
        let session = self.session.clone().ok_or_else(Close::not_acknowledged)?;
        if self.operations.has(&id) {
            return Err(Close::subscriber_exists(&id).into());
        }
        if let Err(faults) = self.start(&id, parameters, session) {
            return self.send(message::error(&id, &faults)).await;
        }
        Ok(())
    }

    fn start(&mut self, id: &str, parameters: Parameters, session: Session) -> Result<(), Faults> {
        let max = self.settings().operations_max;
        if self.operations.count() >= max {
            let message = format!("a socket runs at most {max} operations at once");
            return Err(Fault::new(Code::TooManyOperations, message).with("limit", max).into());
        }
        let admitted = self.service.execution.admit(parameters, session)?;
        let admitted = admitted.traced(self.trace.clone()).sent_from(self.address);
        self.operations.start(id.to_owned(), self.service.execution.run(admitted));
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        let within = self.settings().write_within;
        match timeout(within, self.sink.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(Close::too_slow().into()),
        }
    }
}

/// What a payload claims, if it claims anything.
fn claimed(payload: &Payload) -> Option<Result<Option<Bearer>, Denied>> {
    let credentials = message::credentials(payload).filter(|it| !it.is_null())?;
    let parsed = credentials.as_str().ok_or(Denied::Malformed).and_then(Bearer::parse);
    Some(parsed.map(Some))
}
