//! Tells the identity provider that an account was erased. If it is our own Cognito user pool, this deletes the user.
//! Any other provider learns it from an EventBridge event.

use aws_sdk_cognitoidentityprovider::operation::admin_delete_user::AdminDeleteUserError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::{CloudError, Connection, RequesterIdentity};

/// The detail type of the event for other providers.
const ACCOUNT_ERASED: &str = "account.erased";

/// The identity provider of the users.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    connection: Connection,
    /// The issuer URL and the id of our own user pool, if there is one.
    user_pool: Option<(String, String)>,
    /// The source of the events: `ai-fitting.{stack}`.
    source: String,
}

impl IdentityProvider {
    /// Creates the provider for the stack `stack`. `user_pool` is the id of our own user pool, if there is one.
    pub fn new(connection: &Connection, region: &str, user_pool: Option<String>, stack: &str) -> Self {
        let user_pool =
            user_pool.map(|pool| (format!("https://cognito-idp.{region}.amazonaws.com/{pool}"), pool));
        Self { connection: connection.clone(), user_pool, source: format!("ai-fitting.{stack}") }
    }

    /// Tells the provider of this requester that the account was erased. Telling it twice changes nothing.
    ///
    /// # Errors
    /// When the provider cannot be told. The erasure then waits and tries again, because after its end nobody knows
    /// the requester any more.
    pub async fn account_erased(&self, requester: &RequesterIdentity) -> Result<(), CloudError> {
        match &self.user_pool {
            Some((issuer, pool)) if *issuer == requester.issuer => self.delete_user(pool, requester).await,
            _ => self.emit(requester).await,
        }
    }

    async fn delete_user(&self, pool: &str, requester: &RequesterIdentity) -> Result<(), CloudError> {
        // The pool also knows its own users by their `sub`.
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
