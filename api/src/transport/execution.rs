//! From parameters to answers: the gate, the executor, the completion. HTTP and
//! sockets both come here.

use std::{panic::AssertUnwindSafe, sync::Arc};

use apollo_compiler::ast::OperationType;
use async_graphql::{Data, Executor, Request, Response, ServerError, Value, Variables};
use futures::{FutureExt, StreamExt, stream::BoxStream};

use super::{
    completion,
    fault::{Code, Fault, Faults, coded},
    gate::{Gate, Prepared, SchemaError},
    parameters::Parameters,
    session::Session,
    settings::Settings,
};
use crate::{caller_address::CallerAddress, request::Trace};

type Execute = Box<dyn Fn(Request, Arc<Data>) -> BoxStream<'static, Response> + Send + Sync>;

/// The executor, and what stands around it.
pub(super) struct Execution {
    gate: Gate,
    execute: Execute,
    schema_is_public: bool,
}

/// An operation that may run, and has not yet.
pub(super) struct Admitted {
    prepared: Arc<Prepared>,
    request: Request,
    session: Session,
}

/// What comes of an operation; a subscription has many.
pub(super) enum Answer {
    /// Execution began: `data`, and perhaps `errors`, as JSON.
    Result(String),
    /// It did not.
    Refused(Faults),
}

impl Execution {
    pub(super) fn try_new<E: Executor>(
        executor: E,
        sdl: &str,
        settings: &Settings,
    ) -> Result<Self, SchemaError> {
        let gate = Gate::try_new(sdl, settings.limits)?;
        let execute: Execute =
            Box::new(move |request, data| executor.execute_stream(request, Some(data)));
        Ok(Self { gate, execute, schema_is_public: settings.development })
    }

    /// Tells whether `session` may have this executed at all. What single fields
    /// show is for resolvers to say.
    pub(super) fn admit(
        &self,
        parameters: Parameters,
        session: Session,
    ) -> Result<Admitted, Faults> {
        let prepared = self.gate.admit(&parameters)?;
        if prepared.introspects && !self.schema_is_public && !session.is_signed_in() {
            let message = "the schema is shown to signed-in callers only";
            return Err(Fault::new(Code::Unauthenticated, message).into());
        }
        let variables = serde_json::Value::Object(parameters.variables);
        let request =
            Request::new(prepared.text.clone()).variables(Variables::from_json(variables));
        Ok(Admitted { prepared, request, session })
    }

    /// Runs an operation: one answer, or as many as a subscription has. A panic
    /// ends it with an answer, too.
    pub(super) fn run(&self, admitted: Admitted) -> BoxStream<'static, Answer> {
        let Admitted { prepared, request, session } = admitted;
        let responses = (self.execute)(request, session.data);
        let mut began = false;
        AssertUnwindSafe(responses)
            .catch_unwind()
            .map(move |response| {
                let answer = match response {
                    Ok(response) => answer(response, &prepared, began),
                    Err(_) => Answer::Refused(panicked().into()),
                };
                began = true;
                answer
            })
            .boxed()
    }

    /// Runs an operation that has one answer.
    pub(super) async fn run_once(&self, admitted: Admitted) -> Answer {
        let answer = self.run(admitted).into_future().map(|(answer, _)| answer).await;
        answer.unwrap_or_else(|| Answer::Refused(panicked().into()))
    }
}

impl Admitted {
    /// As part of a trace: resolvers find it in their context.
    pub(super) fn traced(self, trace: Option<Trace>) -> Self {
        match trace {
            Some(trace) => Self { request: self.request.data(trace), ..self },
            None => self,
        }
    }

    /// As sent from an address: resolvers find it in their context.
    pub(super) fn sent_from(self, address: Option<CallerAddress>) -> Self {
        match address {
            Some(address) => Self { request: self.request.data(address), ..self },
            None => self,
        }
    }

    pub(super) fn is_mutation(&self) -> bool {
        self.prepared.kind == OperationType::Mutation
    }

    pub(super) fn is_subscription(&self) -> bool {
        self.prepared.kind == OperationType::Subscription
    }
}

fn answer(mut response: Response, prepared: &Prepared, began: bool) -> Answer {
    if response.errors.is_empty() {
        return written(&response);
    }
    if !began && never_began(&response, prepared) {
        let faults = response.errors.into_iter().map(Fault::from).collect();
        return Answer::Refused(Faults::from_list(faults).unwrap_or_else(|| panicked().into()));
    }
    response.errors = response.errors.into_iter().map(public).collect();
    completion::complete(&mut response, prepared);
    written(&response)
}

/// The executor does not say whether it refused the request or a field failed.
/// But a field that failed has a path, and a subscription whose source could
/// not be opened has one that ends at its root.
fn never_began(response: &Response, prepared: &Prepared) -> bool {
    let depth_max = usize::from(prepared.kind == OperationType::Subscription);
    response.data == Value::Null && response.errors.iter().all(|it| it.path.len() <= depth_max)
}

/// Its locations would be places in the text that the gate wrote, which the client has never seen.
fn public(error: ServerError) -> ServerError {
    ServerError { locations: Vec::new(), ..coded(error) }
}

fn written(response: &Response) -> Answer {
    match serde_json::to_string(response) {
        Ok(text) => Answer::Result(text),
        Err(error) => Answer::Refused(super::fault::internal(&error).into()),
    }
}

/// The panic itself has been reported where it happened.
fn panicked() -> Fault {
    Fault::new(Code::InternalServerError, "internal error")
}
