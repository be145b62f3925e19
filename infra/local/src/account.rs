//! The AWS account behind the local stack, spoken to as its root: an operator's view, past every role.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::lifeline::Tied;
use crate::python::Python;
use crate::workspace::program;

/// A client for any AWS call, by the names that boto3 gives them.
pub struct Account {
    // Declared before the process: closing the pipes is what ends it.
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: Tied,
}

/// The credentials of somebody else than root: of a session of a role.
#[derive(Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key_id: String,
    /// What requests are signed with.
    pub secret_access_key: String,
    /// What says that they are for a session.
    pub session_token: String,
}

/// An AWS call that was answered with an error.
#[derive(Debug)]
pub struct CallError {
    /// AWS's error code, such as `NoSuchKey`; `None` when the call failed before AWS answered.
    pub code: Option<String>,
    message: String,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

impl Account {
    pub(crate) fn open(python: &Python, endpoint: &str, certificate: &Path) -> anyhow::Result<Self> {
        let mut process = Tied::start(
            python
                .command()
                .arg(program("account.py"))
                .args(["--endpoint", endpoint, "--certificate"])
                .arg(certificate)
                .stdout(Stdio::piped()),
        )?;
        let (requests, answers) = process.pipes().context("the account's pipes are gone")?;
        Ok(Self { pipes: Mutex::new((requests, BufReader::new(answers))), _process: process })
    }

    /// Makes one call, such as `("s3", "list_objects_v2", {"Bucket": …})`; bytes travel as `{"base64": …}`.
    ///
    /// # Errors
    /// A [`CallError`] inside when AWS answered with an error.
    pub fn call(&self, service: &str, operation: &str, parameters: &Value) -> anyhow::Result<Value> {
        self.ask(&json!({ "service": service, "operation": operation, "parameters": parameters }))
    }

    /// Makes one call as somebody else; see [`Self::call`].
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_as(
        &self,
        who: &Credentials,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> anyhow::Result<Value> {
        let credentials = json!({
            "aws_access_key_id": who.access_key_id,
            "aws_secret_access_key": who.secret_access_key,
            "aws_session_token": who.session_token,
        });
        self.ask(&json!({
            "service": service, "operation": operation, "parameters": parameters, "credentials": credentials,
        }))
    }

    /// The keys of a bucket's objects that hold anything. An empty object in the uploads bucket holds nothing of a photo:
    /// it keeps an upload URL from being used again.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn object_keys(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        let objects = self.objects(bucket)?.into_iter();
        Ok(objects.filter(|(_key, bytes)| *bytes > 0).map(|(key, _bytes)| key).collect())
    }

    /// The keys and sizes in bytes of all objects in a bucket.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn objects(&self, bucket: &str) -> anyhow::Result<Vec<(String, u64)>> {
        let mut objects = Vec::new();
        let mut parameters = json!({ "Bucket": bucket });
        loop {
            let page = self.call("s3", "list_objects_v2", &parameters)?;
            for object in page["Contents"].as_array().into_iter().flatten() {
                let key = object["Key"].as_str().context("an object without a key")?.to_owned();
                objects.push((key, object["Size"].as_u64().context("an object without a size")?));
            }
            match page.get("NextContinuationToken") {
                Some(token) => parameters["ContinuationToken"] = token.clone(),
                None => return Ok(objects),
            }
        }
    }

    /// Puts an object encrypted with `key`, as the buckets' policies demand.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn put_object(&self, bucket: &str, name: &str, bytes: &[u8], key: &str) -> anyhow::Result<()> {
        let body = json!({ "base64": BASE64_STANDARD.encode(bytes) });
        let parameters = json!({
            "Bucket": bucket, "Key": name, "Body": body,
            "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key,
        });
        self.call("s3", "put_object", &parameters).map(drop)
    }

    /// Invokes the function and waits; its answer, or the error it reported.
    ///
    /// # Errors
    /// When the function reported an error, was not found, or answered what is not JSON.
    pub fn invoke(&self, function: &str, event: &Value) -> anyhow::Result<Value> {
        let payload = json!({ "base64": BASE64_STANDARD.encode(event.to_string()) });
        let answer =
            self.call("lambda", "invoke", &json!({ "FunctionName": function, "Payload": payload }))?;
        let payload = answer["Payload"]["base64"].as_str().context("the function's answer has no payload")?;
        let payload: Value = serde_json::from_slice(&BASE64_STANDARD.decode(payload)?)?;
        anyhow::ensure!(answer.get("FunctionError").is_none(), "{function} failed: {payload}");
        Ok(payload)
    }

    /// Deploys, as `deploy.py` describes; the stack's outputs.
    pub(crate) fn deploy(&self, deployment: &Value) -> anyhow::Result<Value> {
        self.ask(&json!({ "deploy": deployment }))
    }

    fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        // A panic elsewhere cannot leave half a line behind: requests are written whole.
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, answers) = &mut *pipes;
        writeln!(requests, "{request}").context("the account's process has ended")?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let mut answer: Value = serde_json::from_str(&line).context("the account's process has ended")?;
        match answer["error"].as_str() {
            Some(message) => {
                let code = answer["code"].as_str().map(str::to_owned);
                Err(CallError { code, message: message.to_owned() }.into())
            }
            None => Ok(answer["result"].take()),
        }
    }
}
