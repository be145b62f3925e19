//! `DELETE /v1/works/{id}`: hides the work at once, then deletes its objects, then its row.

use cloud::ReplaceOutcome;
use domain::UnixSeconds;
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::show::load_own_work;

/// How often the request is tried when another transition comes first. A work has no more transitions than this.
const TRIES: u32 = 4;

/// Handles the request. Deleting a work that is already gone succeeds, so that the app may repeat the request.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    for _ in 0..TRIES {
        let work = match load_own_work(endpoints, &request).await {
            Ok(work) => work,
            Err(ApiError::Problem(problem)) if problem.status() == 404 => return Ok(Response::no_content()),
            Err(error) => return Err(error),
        };
        match endpoints.work_stores.delete(&work, now).await? {
            // A closed account gate means that all the caller's data is being erased, including this work.
            ReplaceOutcome::Stored | ReplaceOutcome::Closed => return Ok(Response::no_content()),
            ReplaceOutcome::Superseded => {}
        }
    }
    let detail = "The work keeps changing; please try again.";
    Err(Problem::new(409, "work_changing", "The work is changing", detail).retry_after(1).into())
}
