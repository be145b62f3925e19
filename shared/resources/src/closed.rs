//! Tells the app why nothing can be added to its account.

use cloud::Closed;
use lambda::Problem;

/// Returns the problem that answers a caller whose account is closed.
pub fn closed(closed: Closed) -> Problem {
    match closed {
        Closed::Erasing => {
            let detail = "This account's data is being erased; nothing can be added.";
            Problem::new(409, "erasure_under_way", "The account is being erased", detail)
        }
        Closed::Changing => {
            let detail = "An erasure in this account has just started; please try again.";
            Problem::new(409, "account_changing", "The account is changing", detail).retry_after(1)
        }
        Closed::TokenTooOld => {
            let detail = "This account was erased after your token was issued. Sign in again, and send POST /v1/account \
                          with the new token.";
            Problem::new(403, "token_too_old", "The token was issued before the erasure", detail)
        }
        Closed::Erased => {
            let detail = "This account was erased. To start a new, empty account, sign in again and send \
                          POST /v1/account.";
            Problem::new(403, "account_erased", "The account was erased", detail)
        }
    }
}
