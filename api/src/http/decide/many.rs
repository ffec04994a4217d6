//! Many independent decisions at once: malformed ones have their problem, the others go to the engine together.

use super::create::command;
use crate::http::App;
use crate::http::error::Problem;
use crate::http::read;
use domain::command::Command;
use std::sync::Arc;

/// Decides requests in their order. Each answer goes to `put` as one JSON object, `{"decision": …}` or
/// `{"problem": …}`, in the order of the requests.
pub(super) async fn decide<'a>(
    app: &App,
    actor: &Arc<str>,
    requests: impl Iterator<Item = &'a [u8]>,
    mut put: impl FnMut(&[&[u8]]),
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
        match answer {
            Ok(text) => put(&[b"{\"decision\":", &text, b"}"]),
            Err(problem) => put(&[b"{\"problem\":", &problem.to_json(), b"}"]),
        }
    }
}

fn checked(app: &App, actor: &Arc<str>, raw: &[u8]) -> Result<Command, Problem> {
    if raw.len() > read::BODY_MAX {
        return Err(Problem::body_too_large(read::BODY_MAX));
    }
    command(app, actor, raw)
}
