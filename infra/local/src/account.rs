//! Makes calls to the local stack's AWS account as its root: an operator's access, which no role limits.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::lifeline::ChildGuard;
use crate::python::Python;
use crate::workspace::program;

/// A client for any AWS call, with boto3's names.
pub struct Account {
    // Declared before the process, so that the pipes are dropped first: closing them ends the process.
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: ChildGuard,
}

/// The credentials of a role's session, for calls that are not made as root.
#[derive(Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key_id: String,
    /// The secret that signs requests.
    pub secret_access_key: String,
    /// The token of the session.
    pub session_token: String,
}

/// An error of an AWS call.
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
        let mut process = ChildGuard::start(
            python
                .command()
                .arg(program("account.py"))
                .args(["--endpoint", endpoint, "--certificate"])
                .arg(certificate)
                .stdout(Stdio::piped()),
        )?;
        let (requests, answers) =
            process.pipes().context("account.py has no pipes for requests and answers")?;
        Ok(Self { pipes: Mutex::new((requests, BufReader::new(answers))), _process: process })
    }

    /// Makes one call, such as `("s3", "list_objects_v2", {"Bucket": …})`. Bytes are written as `{"base64": …}`.
    ///
    /// # Errors
    /// When AWS answers with an error; the error then contains a [`CallError`].
    pub fn call(&self, service: &str, operation: &str, parameters: &Value) -> anyhow::Result<Value> {
        self.ask(&json!({ "service": service, "operation": operation, "parameters": parameters }))
    }

    /// Makes one call with the given credentials; see [`Self::call`].
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

    /// Lists the keys of a bucket's objects that are not empty. An empty object in the uploads bucket is not a photo:
    /// it prevents a second use of an upload URL.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn object_keys(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        let objects = self.objects(bucket)?.into_iter();
        Ok(objects.filter(|(_key, bytes)| *bytes > 0).map(|(key, _bytes)| key).collect())
    }

    /// Lists all objects of a bucket, with their keys and sizes in bytes.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn objects(&self, bucket: &str) -> anyhow::Result<Vec<(String, u64)>> {
        let mut objects = Vec::new();
        let mut parameters = json!({ "Bucket": bucket });
        loop {
            let page = self.call("s3", "list_objects_v2", &parameters)?;
            for object in page["Contents"].as_array().into_iter().flatten() {
                let key = object["Key"].as_str().context("S3 listed an object without a key")?.to_owned();
                objects.push((key, object["Size"].as_u64().context("S3 listed an object without a size")?));
            }
            match page.get("NextContinuationToken") {
                Some(token) => parameters["ContinuationToken"] = token.clone(),
                None => return Ok(objects),
            }
        }
    }

    /// Puts an object encrypted with `key`, as the policies of the buckets require.
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

    /// Invokes the function, waits, and returns its answer.
    ///
    /// # Errors
    /// When the function reports an error, does not exist, or answers with something other than JSON.
    pub fn invoke(&self, function: &str, event: &Value) -> anyhow::Result<Value> {
        let payload = json!({ "base64": BASE64_STANDARD.encode(event.to_string()) });
        let answer =
            self.call("lambda", "invoke", &json!({ "FunctionName": function, "Payload": payload }))?;
        let payload =
            answer["Payload"]["base64"].as_str().context("Lambda answered without the function's payload")?;
        let payload: Value = serde_json::from_slice(&BASE64_STANDARD.decode(payload)?)?;
        anyhow::ensure!(answer.get("FunctionError").is_none(), "the function {function} failed: {payload}");
        Ok(payload)
    }

    /// Deploys as `deploy.py` describes. Returns the stack's outputs.
    pub(crate) fn deploy(&self, deployment: &Value) -> anyhow::Result<Value> {
        self.ask(&json!({ "deploy": deployment }))
    }

    fn ask(&self, request: &Value) -> anyhow::Result<Value> {
        // A poisoned lock is safe to use: a panic elsewhere cannot leave half a line, because requests are written
        // whole.
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, answers) = &mut *pipes;
        writeln!(requests, "{request}").context("account.py has ended; see its messages above")?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let mut answer: Value =
            serde_json::from_str(&line).context("account.py has ended; see its messages above")?;
        match answer["error"].as_str() {
            Some(message) => {
                let code = answer["code"].as_str().map(str::to_owned);
                Err(CallError { code, message: message.to_owned() }.into())
            }
            None => Ok(answer["result"].take()),
        }
    }
}
