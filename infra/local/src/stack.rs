//! Starts and deploys a local stack: emulator, issuer, account and deployment.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::api::Caller;
use crate::binaries::Binaries;
use crate::catalogue::lay_out;
use crate::emulator::{Emulator, health_url, https_client};
use crate::issuer::{Issuer, token};
use crate::python::Python;
use crate::reservation::Reservation;
use crate::workspace::{local_directory, workspace_root};

/// The settings of a stack.
#[derive(Default)]
pub struct Options {
    /// Template parameters in addition to issuer, audience and architecture.
    pub parameters: Vec<(String, String)>,
    /// Environment variables of the emulator's process.
    pub environment: Vec<(String, String)>,
    /// The folder of the models.
    pub models: PathBuf,
    /// Whether `cargo lambda watch` compiles a function when it is called; the overlay then raises the time limits.
    pub watched: bool,
}

/// The addresses of a running stack. They are written to a file, so that other commands find the stack.
#[derive(Clone, Serialize, Deserialize)]
pub struct Description {
    /// The stack's name.
    pub name: String,
    /// The emulator's address, which AWS clients take as their endpoint.
    pub endpoint: String,
    /// The file with the certificate that AWS clients must trust (`SSL_CERT_FILE`).
    pub certificate: PathBuf,
    /// The token issuer's address: `POST …/token` with a JSON object of claims answers a token.
    pub issuer: String,
    /// The deployment's outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A client of a running stack. The process that started the stack keeps it running.
pub struct Stack {
    description: Description,
    account: Account,
    agent: ureq::Agent,
}

/// A stack that this process runs; drop stops everything.
pub struct LocalStack {
    // Fields are dropped in this order, so that nothing calls an emulator that has ended.
    stack: Stack,
    _issuer: Issuer,
    _emulator: Emulator,
    _reservation: Reservation,
}

impl Deref for LocalStack {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}

impl LocalStack {
    /// Starts the emulator and the issuer, and deploys the template with these function binaries. The reservation names
    /// the stack and its folder.
    ///
    /// # Errors
    /// When a part does not start, or the template does not deploy; the message names the resource.
    pub fn start(
        reservation: Reservation,
        options: &Options,
        binaries: &Binaries,
        report: &dyn Fn(&str),
    ) -> anyhow::Result<Self> {
        let python = Python::for_stack(report)?;
        let name = reservation.name().to_owned();
        let directory = local_directory(&name);
        let (emulator, agent) = Emulator::start(&python, &directory, &options.environment)?;
        let issuer = Issuer::start(&python, &emulator.certificate, &agent)?;
        let described = Description {
            name,
            endpoint: emulator.endpoint.clone(),
            certificate: emulator.certificate.clone(),
            issuer: issuer.url.clone(),
            outputs: BTreeMap::new(),
        };
        let stack = Stack::deploy(&python, agent, described, options, binaries)?;
        let path = directory.join(DESCRIPTION);
        fs::write(&path, serde_json::to_vec_pretty(&stack.description)?)
            .with_context(|| path.display().to_string())?;
        Ok(Self { stack, _issuer: issuer, _emulator: emulator, _reservation: reservation })
    }

    /// Deploys the template once more, as the stack `name` of the same account, with the same function binaries. It
    /// runs as long as this stack.
    ///
    /// # Errors
    /// When the template does not deploy; the message names the resource.
    pub fn deploy_second_stack(&self, name: &str, options: &Options) -> anyhow::Result<Stack> {
        let python = Python::for_stack(&|_| ())?;
        let described = Description { name: name.to_owned(), ..self.description.clone() };
        // The account already holds the code.
        Stack::deploy(&python, self.agent.clone(), described, options, &Binaries::new())
    }
}

/// The file in a stack's folder that holds its [`Description`].
const DESCRIPTION: &str = "stack.json";

impl Stack {
    /// Deploys the template with these options. `described` is the stack's description without outputs.
    fn deploy(
        python: &Python,
        agent: ureq::Agent,
        mut described: Description,
        options: &Options,
        binaries: &Binaries,
    ) -> anyhow::Result<Self> {
        let account = Account::open(python, &described.endpoint, &described.certificate)?;
        let request = deployment(&described.name, options, binaries, &described.issuer);
        described.outputs =
            serde_json::from_value(account.deploy(&request).context("cannot deploy infra/template.yaml")?)?;
        Ok(Self { description: described, account, agent })
    }

    /// Finds the stack of that name, which another process runs.
    ///
    /// # Errors
    /// When no such stack was started, or it no longer answers.
    pub fn find(name: &str, report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        let path = local_directory(name).join(DESCRIPTION);
        let text = fs::read(&path).with_context(|| format!("no stack named {name} was started"))?;
        let description: Description = serde_json::from_slice(&text)?;
        let agent = https_client(&description.certificate)?;
        let answer = agent.get(health_url(&description.endpoint)).call();
        answer.with_context(|| format!("the stack named {name} is not running any more"))?;
        let python = Python::for_stack(report)?;
        let account = Account::open(&python, &description.endpoint, &description.certificate)?;
        Ok(Self { description, account, agent })
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

    /// The addresses of this stack.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// One of the stack's outputs, such as `UploadsBucket`.
    ///
    /// # Errors
    /// When the template has no such output.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        let output = self.description.outputs.get(name).map(String::as_str);
        output.with_context(|| format!("the stack has no output {name}"))
    }

    /// The deployed name of a function, such as `synthesize`.
    #[must_use]
    pub fn function(&self, name: &str) -> String {
        format!("{}-{name}", self.description.name)
    }

    /// Reads the environment variables of a deployed function.
    ///
    /// # Errors
    /// When the function does not exist.
    pub fn function_environment(&self, name: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let parameters = json!({ "FunctionName": self.function(name) });
        let mut configuration = self.account.call("lambda", "get_function_configuration", &parameters)?;
        Ok(serde_json::from_value(configuration["Environment"]["Variables"].take())?)
    }

    /// The HTTP API's address; routes such as `/v1/works` follow it.
    ///
    /// # Errors
    /// When the template has no output for the API.
    pub fn api_url(&self) -> anyhow::Result<String> {
        Ok(format!("{}/_aws/execute-api/{}/$default", self.description.endpoint, self.output("ApiId")?))
    }

    /// Requests a token with these claims. The issuer adds `iss`, `aud`, `iat` and `exp` if they are missing.
    ///
    /// # Errors
    /// When the issuer does not answer.
    pub fn token(&self, claims: &Value) -> anyhow::Result<String> {
        token(&self.agent, &self.description.issuer, claims)
    }

    /// Signs this user in for an hour.
    ///
    /// # Errors
    /// When the issuer does not answer.
    pub fn sign_in(&self, user: &str) -> anyhow::Result<Caller<'_>> {
        Caller::new(self, Some(self.token(&json!({ "sub": user }))?))
    }

    /// A caller that sends this token, valid or not, or no token.
    ///
    /// # Errors
    /// When the template has no output for the API.
    pub fn caller(&self, token: Option<String>) -> anyhow::Result<Caller<'_>> {
        Caller::new(self, token)
    }

    /// An HTTPS client that trusts the emulator; 4xx and 5xx are answers, not errors.
    #[must_use]
    pub fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// The client of the AWS account, as its root.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// The deployment request in the form that `deploy.py` reads.
fn deployment(name: &str, options: &Options, binaries: &Binaries, issuer: &str) -> Value {
    let mut parameters = Map::new();
    parameters.insert("JwtIssuer".to_owned(), json!(issuer));
    parameters.insert("JwtAudience".to_owned(), json!(Issuer::AUDIENCE));
    parameters.insert("Architecture".to_owned(), json!("x86_64"));
    for (name, value) in &options.parameters {
        parameters.insert(name.clone(), json!(value));
    }
    json!({
        "stack": name,
        "template": workspace_root().join("infra/template.yaml"),
        "parameters": parameters,
        "values": { "MODELS_DIR": options.models },
        "watched": options.watched,
        "functions": binaries,
    })
}
