//! The SDK's clients, created once per process.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// The clients of the services in use. The region, the credentials of the function's role and, on the local stack,
/// the endpoint come from environment variables that Lambda sets.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) cognito: aws_sdk_cognitoidentityprovider::Client,
    pub(crate) eventbridge: aws_sdk_eventbridge::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
}

impl Connection {
    /// Creates the clients without sending anything. `s3_path_style` puts the bucket's name into the path, which an
    /// S3 on a loopback address needs.
    pub async fn open(region: String, s3_path_style: bool) -> Self {
        let config = load(region).await;
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(s3_path_style)
            // A presigned URL is bound to the digest that the app gave. A CRC would be one more header for the app to
            // send.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config);
        let cognito = aws_sdk_cognitoidentityprovider::config::Builder::from(&config);
        let eventbridge = aws_sdk_eventbridge::config::Builder::from(&config);
        #[cfg(feature = "kill-points")]
        let dynamodb = match config.http_client() {
            Some(client) => dynamodb.http_client(crate::conflicts::with_conflicts(client)),
            None => dynamodb,
        };
        #[cfg(feature = "kill-points")]
        let (s3, dynamodb, cognito, eventbridge) = {
            let kill_points = crate::kill_points::KillPoints::of_process();
            (
                s3.interceptor(kill_points.clone()),
                dynamodb.interceptor(kill_points.clone()),
                cognito.interceptor(kill_points.clone()),
                eventbridge.interceptor(kill_points),
            )
        };
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            kms: aws_sdk_kms::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            cognito: aws_sdk_cognitoidentityprovider::Client::from_conf(cognito.build()),
            eventbridge: aws_sdk_eventbridge::Client::from_conf(eventbridge.build()),
        }
    }
}

async fn load(region: String) -> SdkConfig {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    // An operation with its retries ends before the shortest time-out of a function, 10 s.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(9))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .load()
        .await
}
