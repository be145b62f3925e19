//! Emulator, issuer, account and deployment put together.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::api::Caller;
use crate::binaries::Binaries;
use crate::catalogue::lay_out;
use crate::emulator::Emulator;
use crate::issuer::Issuer;
use crate::python::Python;
use crate::workspace::{local_directory, workspace_root};

/// What a stack is started with.
#[derive(Default)]
pub struct Options {
    /// Names the folder below `target/local` and the CloudFormation stack; two stacks at once differ in it.
    pub name: String,
    /// Template parameters besides issuer, audience and architecture.
    pub parameters: Vec<(String, String)>,
    /// Environment of the emulator's process.
    pub environment: Vec<(String, String)>,
    /// Where the functions find the models.
    pub models: PathBuf,
}

/// The deployed service; dropping it stops everything.
pub struct LocalStack {
    name: String,
    outputs: Map<String, Value>,
    // Dropped in this order: nothing may speak to an emulator that is gone.
    account: Account,
    issuer: Issuer,
    agent: ureq::Agent,
    emulator: Emulator,
}

impl LocalStack {
    /// Starts the emulator and the issuer, and deploys the template with these function binaries.
    ///
    /// # Errors
    /// When a part does not start, or the template does not deploy; the message names the resource.
    pub fn start(options: &Options, binaries: &Binaries, report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        let python = Python::for_stack(report)?;
        let directory = local_directory(&options.name);
        report("Starting the AWS emulator and the token issuer");
        let (emulator, agent) = Emulator::start(&python, &directory, &options.environment)?;
        let issuer = Issuer::start(&python)?;
        let account = Account::open(&python, &emulator.endpoint, &emulator.certificate)?;
        report("Deploying infra/template.yaml");
        let outputs = account.deploy(&deployment(options, binaries, &issuer)).context("cannot deploy")?;
        let Value::Object(outputs) = outputs else { anyhow::bail!("the deployment has no outputs") };
        Ok(Self { name: options.name.clone(), outputs, account, issuer, agent, emulator })
    }

    /// Publishes the template folders of `directory` to the templates bucket.
    ///
    /// # Errors
    /// When a folder is not a template, or the bucket refuses it.
    pub fn publish_templates(&self, directory: &Path) -> anyhow::Result<()> {
        let (bucket, key) = (self.output("TemplatesBucket")?, self.output("StorageKey")?);
        for (name, bytes) in lay_out(directory)? {
            self.account.put_object(bucket, &name, &bytes, key)?;
        }
        Ok(())
    }

    /// One of the stack's outputs, such as `UploadsBucket`.
    ///
    /// # Errors
    /// When the template has no such output.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        let output = self.outputs.get(name).and_then(Value::as_str);
        output.with_context(|| format!("the stack has no output {name}"))
    }

    /// The deployed name of a function, such as `synthesize`.
    #[must_use]
    pub fn function(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// The HTTP API's address; routes such as `/v1/works` follow it.
    ///
    /// # Errors
    /// When the template has no output for the API.
    pub fn api_url(&self) -> anyhow::Result<String> {
        Ok(format!("{}/_aws/execute-api/{}/$default", self.emulator.endpoint, self.output("ApiId")?))
    }

    /// The issuer's address: `POST …/token` with a JSON object of claims answers a token.
    #[must_use]
    pub fn issuer_url(&self) -> &str {
        &self.issuer.url
    }

    /// A token that signs this subject in for an hour.
    ///
    /// # Errors
    /// When the issuer does not answer.
    pub fn token(&self, subject: &str) -> anyhow::Result<String> {
        self.token_with(&json!({ "sub": subject }))
    }

    /// A token with these claims; `iss`, `aud`, `iat` and `exp` are added where they are missing.
    ///
    /// # Errors
    /// When the issuer does not answer.
    pub fn token_with(&self, claims: &Value) -> anyhow::Result<String> {
        self.issuer.token(claims)
    }

    /// This subject, signed in.
    ///
    /// # Errors
    /// When the issuer does not answer.
    pub fn sign_in(&self, subject: &str) -> anyhow::Result<Caller<'_>> {
        Caller::new(self, self.token(subject)?)
    }

    /// An HTTPS client that trusts the emulator; 4xx and 5xx are answers, not errors.
    #[must_use]
    pub fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// The AWS account, as its root.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The emulator's address, which AWS clients take as their endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.emulator.endpoint
    }

    /// The file with the certificate that AWS clients must trust (`SSL_CERT_FILE`).
    #[must_use]
    pub fn certificate(&self) -> &Path {
        &self.emulator.certificate
    }
}

/// The request that `deploy.py` reads.
fn deployment(options: &Options, binaries: &Binaries, issuer: &Issuer) -> Value {
    let mut parameters = Map::new();
    parameters.insert("JwtIssuer".to_owned(), json!(issuer.url));
    parameters.insert("JwtAudience".to_owned(), json!(Issuer::AUDIENCE));
    parameters.insert("Architecture".to_owned(), json!("x86_64"));
    for (name, value) in &options.parameters {
        parameters.insert(name.clone(), json!(value));
    }
    json!({
        "stack": options.name,
        "template": workspace_root().join("infra/template.yaml"),
        "parameters": parameters,
        "values": { "MODELS_DIR": options.models },
        "functions": binaries,
    })
}
