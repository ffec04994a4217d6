//! Many independent decisions at once: malformed ones have their problem, the others go to the engine together.

use super::create::command;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::read;
use domain::command::Command;
use std::sync::Arc;

/// Decides requests in their order, and writes each answer as one JSON object, `{"decision": …}` or `{"problem": …}`,
/// with `end` after it.
pub(super) async fn decide<'a>(
    app: &App,
    actor: &Arc<str>,
    requests: impl Iterator<Item = &'a [u8]>,
    (out, end): (&mut Vec<u8>, u8),
) {
    let mut commands = Vec::new();
    let read: Vec<Option<Problem>> = requests
        .map(|raw| match checked(app, actor, raw) {
            Ok(command) => {
                commands.push(command);
                None
            }
            Err(problem) => Some(problem),
        })
        .collect();
    let mut answers = app.engine.submit_all(commands).await.into_iter();
    for problem in read {
        let answer = match problem {
            Some(problem) => Err(problem),
            // One answer for each command.
            None => match answers.next() {
                Some(committed) => committed.map_err(Problem::from).and_then(|it| super::answer(app, it)),
                None => Err(crate::engine::Failure::Stopped.into()),
            },
        };
        let (name, text): (&[u8], _) = match answer {
            Ok(text) => (b"{\"decision\":", text),
            Err(problem) => (b"{\"problem\":", problem.to_json()),
        };
        for part in [name, &text, b"}", &[end]] {
            out.extend_from_slice(part);
        }
    }
}

fn checked(app: &App, actor: &Arc<str>, raw: &[u8]) -> Result<Command, Problem> {
    if raw.len() > read::BODY_MAX {
        return Err(Problem::body_too_large(read::BODY_MAX));
    }
    command(app, actor, raw)
}
