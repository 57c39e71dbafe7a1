//! Having reports written.

mod input;

use artifacts::{Artifacts, Reference, Subject};
use async_graphql::{Context, Object, SimpleObject};
use bytes::Bytes;
use commands::{Command, Wishes};
use domain::{
    JobId, Refusal,
    artifact::Sha256,
    job::ReportSpec,
    report::{self, ReportInput},
};
use serde_json::{Value, json};

use self::input::{Asked, RequestReportInput};
pub(super) use self::input::{FieldKind, ReportWriterChoice};
use super::{
    access,
    asking::{self, Outcome},
    fault::{Fault, Result, internal},
    job::Report,
    scalar::Position,
    sides,
    user_error::UserError,
};
use crate::viewer::SignedIn;

/// What asking for a report led to.
#[derive(SimpleObject)]
struct RequestReportPayload {
    /// The report; null if there are user errors, or if it is not to be seen yet: then ask again
    /// with `position`.
    report: Option<Report>,
    /// Where in the journal it stands: queries with `atLeast` this see it. Null if there are user
    /// errors.
    position: Option<Position>,
    /// Why there is no report; empty if there is one.
    user_errors: Vec<UserError>,
}

/// What one may have written.
#[derive(Default)]
pub(super) struct ReportMutations;

#[Object]
impl ReportMutations {
    /// Has a Word template filled from what files say, by Greffe itself. The files must have been
    /// uploaded before, and be yours to read. For those who have signed in; members, operators and
    /// admins.
    async fn request_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be written, from what.")] input: RequestReportInput,
    ) -> Result<Option<RequestReportPayload>> {
        let user = access::signed_in(ctx)?;
        let key = input.idempotency_key.clone();
        let said = input.said();
        let asked = match input.read() {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Some(refused(&refusal))),
        };
        if let Some(refusal) = not_readable(&sides(ctx).artifacts, user, &asked).await? {
            return Ok(Some(refused(&refusal)));
        }
        let requested = asking::once(ctx, user, key, &said);
        let id = JobId((sides(ctx).ids)());
        let Asked { mut spec, input, wishes } = asked;
        spec.input = Some(keep(ctx, user, id, input).await?);
        request(ctx, user, (id, spec, wishes), requested).await.map(Some)
    }
}

async fn request(
    ctx: &Context<'_>,
    user: &SignedIn,
    (id, report, wishes): (JobId, ReportSpec, Wishes),
    requested: commands::Asked,
) -> Result<RequestReportPayload> {
    let command = Command::RequestReport { id, report, wishes };
    let outcome = asking::execute(ctx, user, command, requested).await?;
    let row = match &outcome {
        Outcome::Refused(_) => None,
        Outcome::Done { row, .. } => row.as_ref(),
    };
    // Refused, or asked for before under the same key: nobody will look for the values of this one.
    let needless = match &outcome {
        Outcome::Refused(_) => true,
        Outcome::Done { .. } => row.is_some_and(|it| it.id != id),
    };
    if needless && let Err(error) = sides(ctx).artifacts.release(Subject::Job(id.0), None).await {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "a file stays that nobody needs");
    }
    Ok(match outcome {
        Outcome::Refused(refusal) => refused(&refusal),
        Outcome::Done { row, position } => RequestReportPayload {
            report: row.map(Report::from),
            position: Some(position),
            user_errors: Vec::new(),
        },
    })
}

/// Why this user may not have a report made of these files.
async fn not_readable(
    files: &Artifacts,
    user: &SignedIn,
    asked: &Asked,
) -> Result<Option<Refusal>> {
    let owner = (!user.role.sees_all()).then_some(user.user.0);
    let readable = async |sha256: &Sha256| {
        let found = files.readable(&sha256.bytes(), owner).await;
        found.map(|it| it.is_some()).map_err(|error| internal(&error))
    };
    let rule = "a file of yours, uploaded before";
    if !readable(&asked.spec.template).await? {
        return Ok(Some(Refusal::invalid("template", rule)));
    }
    for (at, source) in asked.spec.sources.iter().enumerate() {
        if !readable(source).await? {
            return Ok(Some(Refusal::invalid(format!("sources/{at}"), rule)));
        }
    }
    Ok(None)
}

/// Stores what no event may hold, for the job that is about to be.
async fn keep(
    ctx: &Context<'_>,
    user: &SignedIn,
    id: JobId,
    mut input: ReportInput,
) -> Result<Sha256> {
    let sides = sides(ctx);
    // Each holds more than seventy random bits.
    input.salt = format!("{}{}", (sides.ids)().simple(), (sides.ids)().simple());
    let bytes = serde_json::to_vec(&input).map_err(|error| internal(&error))?;
    let now = sides.commands.now();
    let stored = sides.artifacts.put_bytes(Bytes::from(bytes), now).await;
    let sha256 = stored.map_err(|error| internal(&error))?.sha256;
    let reference = Reference {
        owner: user.user.0,
        subject: Subject::Job(id.0),
        name: "input.json".to_owned(),
        media_type: report::MEDIA_TYPE.to_owned(),
    };
    let kept = sides.artifacts.refer(&sha256, reference, now).await;
    kept.map_err(|error| internal(&error))?;
    Ok(Sha256::new(sha256))
}

/// What is in a file that stands beside a report.
pub(super) async fn read<T: serde::de::DeserializeOwned>(
    files: &Artifacts,
    sha256: Sha256,
) -> Result<T> {
    let bytes = files.read(&sha256.bytes(), FILE_BYTES_MAX).await;
    let bytes = bytes.map_err(|error| internal(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| internal(&error))
}

/// What a report was asked for with, as the tables have it.
pub(super) fn spec(input: &str) -> Result<ReportSpec> {
    serde_json::from_str(input).map_err(|error| {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(error, "the specification of a report cannot be read");
        Fault::Internal
    })
}

/// The largest file that is read to be shown.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

fn refused(refusal: &Refusal) -> RequestReportPayload {
    RequestReportPayload { report: None, position: None, user_errors: vec![refusal.into()] }
}

impl RequestReportInput {
    /// All of it, to know it again by.
    fn said(&self) -> Value {
        let sources = self.sources.iter().map(|it| json!([it.sha256, it.name]));
        let values = self.values.iter().flatten().map(|it| json!([it.key, it.value]));
        let fields = self.fields.iter().flatten().map(input::ReportFieldInput::said);
        let mut said = json!({
            "template": self.template,
            "sources": sources.collect::<Vec<_>>(),
            "values": values.collect::<Vec<_>>(),
            "fields": fields.collect::<Vec<_>>(),
            "place": self.place,
            "date": self.date,
            "writer": domain::job::WriterChoice::from(self.writer.unwrap_or_default()),
            "passagesMax": self.passages_max,
            "priority": self.priority.unwrap_or(0),
            "notBefore": self.not_before.map(|it| it.0),
            "expiresAt": self.expires_at.map(|it| it.0),
        });
        // Keys are remembered by inputs that could not say it yet.
        if let Some(language) = self.language {
            said["language"] = json!(domain::report::Language::from(language));
        }
        said
    }
}
