//! Whoever signs users in, told that one of them is erased: a Cognito user pool of ours deletes the user, any other
//! provider learns it from an event.

use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::{CloudError, Connection, RequesterIdentity};

/// The kind of event that tells another provider.
const ACCOUNT_ERASED: &str = "account.erased";

/// Who is told.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    connection: Connection,
    /// The issuer that is our own user pool, and the pool's id.
    user_pool: Option<(String, String)>,
    /// Whose events these are: `ai-fitting.{stack}`.
    source: String,
}

impl IdentityProvider {
    /// The provider of the users of the stack `stack`; `user_pool` is the id of the pool that is ours, if there is one.
    pub fn new(connection: &Connection, region: &str, user_pool: Option<String>, stack: &str) -> Self {
        let user_pool =
            user_pool.map(|pool| (format!("https://cognito-idp.{region}.amazonaws.com/{pool}"), pool));
        Self { connection: connection.clone(), user_pool, source: format!("ai-fitting.{stack}") }
    }

    /// Tells the provider that signed this person in. To tell it twice changes nothing.
    ///
    /// # Errors
    /// When it cannot be told; the erasure then waits and tries again, because afterwards nobody knows whom to tell of.
    pub async fn account_erased(&self, requester: &RequesterIdentity) -> Result<(), CloudError> {
        match &self.user_pool {
            Some((issuer, pool)) if *issuer == requester.issuer => self.delete_user(pool, requester).await,
            _ => self.emit(requester).await,
        }
    }

    async fn delete_user(&self, pool: &str, requester: &RequesterIdentity) -> Result<(), CloudError> {
        // A user of the pool's own goes by the `sub` as well.
        let username = requester.username.as_ref().unwrap_or(&requester.sub);
        let request = self.connection.cognito.admin_delete_user().user_pool_id(pool).username(username);
        match request.send().await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(AdminDeleteUserError::is_user_not_found_exception) =>
            {
                Ok(())
            }
            answer => answer.map(|_deleted| ()).map_err(CloudError::of("AdminDeleteUser")),
        }
    }

    async fn emit(&self, requester: &RequesterIdentity) -> Result<(), CloudError> {
        let detail = serde_json::json!({ "issuer": requester.issuer, "sub": requester.sub }).to_string();
        let entry = PutEventsRequestEntry::builder()
            .source(&self.source)
            .detail_type(ACCOUNT_ERASED)
            .detail(detail)
            .build();
        let answer = self.connection.eventbridge.put_events().entries(entry).send().await;
        let answer = answer.map_err(CloudError::of("PutEvents"))?;
        if answer.failed_entry_count == 0 {
            return Ok(());
        }
        let code =
            answer.entries().iter().find_map(|entry| entry.error_code()).unwrap_or("unknown").to_owned();
        Err(CloudError::Service { operation: "PutEvents", code })
    }
}
