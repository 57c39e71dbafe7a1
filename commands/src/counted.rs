//! What becomes of commands, counted at the door: whoever refuses them.

use crate::CommandError;

/// Carries out the command called `name`, and counts what came of it.
pub(crate) async fn counted<T>(
    name: &'static str,
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    let result = work.await;
    let outcome = match &result {
        Ok(_) => "accepted",
        Err(CommandError::Refused(_)) => "refused",
        Err(CommandError::Contended) => "contended",
        Err(CommandError::Broken(_)) => "broken",
    };
    metrics::counter!("greffe_commands_total", "command" => name, "outcome" => outcome)
        .increment(1);
    result
}
