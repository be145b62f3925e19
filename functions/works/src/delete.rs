//! `DELETE /v1/works/{id}`: the work is hidden at once, then its objects go, then its row.

use cloud::Replaced;
use domain::UnixSeconds;
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::show::own_work;

/// How often a transition that came in between is read and tried over: a work has no more than that many.
const TRIES: u32 = 4;

/// Handles the request. To delete what is already gone is a success, so that the app may repeat it.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    for _ in 0..TRIES {
        let work = match own_work(endpoints, &request).await {
            Ok(work) => work,
            Err(ApiError::Problem(problem)) if problem.status() == 404 => return Ok(Response::no_content()),
            Err(error) => return Err(error),
        };
        match endpoints.work_stores.delete(&work, now).await? {
            // A closed gate means that everything of the caller's is being erased, this work with it.
            Replaced::Stored | Replaced::Closed => return Ok(Response::no_content()),
            Replaced::Superseded => {}
        }
    }
    let detail = "The work keeps changing; please try again.";
    Err(Problem::new(409, "work_changing", "The work is changing", detail).retry_after(1).into())
}
