//! `cargo xtask dev`: the service on this machine, with the functions rebuilt as their sources change.

use std::time::Duration;

use anyhow::ensure;
use local_stack::{Reservation, Stack, Watch};
use serde_json::json;

use crate::local::{Start, bring_what_is_missing, start_stack};
use crate::workspace::say;

/// The stack's name, by which `cargo xtask replay` finds it.
pub(crate) const STACK: &str = "dev";

/// Keep the local stack up with `cargo lambda watch` behind it, until interrupted.
#[derive(clap::Args)]
pub(crate) struct Dev {}

impl Dev {
    /// Runs until interrupted; everything it started ends with it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let reservation = Reservation::of(STACK)?;
        let mut report = |step: &str| say(&format!("── {step}"));
        report("Set cargo lambda up");
        let watch = Watch::prepare(&say)?;
        bring_what_is_missing(&mut report)?;
        let environment = watch.emulator_environment(STACK);
        let start = Start { environment, watched: true, ..Start::default() };
        let stack = start_stack(reservation, start, &mut report)?;
        report("Start cargo lambda watch");
        let mut watcher = watch.start(&stack)?;
        report("Call each function once, so that the first call of yours waits for no compiler");
        watch.warm_up(&mut watcher)?;
        print_guide(&stack, &watch)?;
        while !watcher.has_ended() {
            std::thread::sleep(Duration::from_millis(500));
        }
        ensure!(false, "cargo lambda watch has ended");
        Ok(())
    }
}

/// How to call what now runs, for a person to copy from.
#[expect(clippy::print_stdout, reason = "the guide is this command's result")]
fn print_guide(stack: &Stack, watch: &Watch) -> anyhow::Result<()> {
    let description = stack.description();
    let certificate = description.certificate.display();
    let (api, issuer) = (stack.api_url()?, &description.issuer);
    println!(
        "\
The stack is up; a change of a source file is compiled at the next event, which waits for it. End it with Ctrl-C.

API      {api}
Token    {token}
         (for an hour; another: curl -s --cacert {certificate} {issuer}/token -d '{{\"sub\":\"somebody\"}}')
Call     curl --cacert {certificate} -H \"Authorization: Bearer $TOKEN\" '{api}/v1/templates'
Replay   cargo xtask replay events/synthesize/photo.json
Invoke   {cargo_lambda} lambda invoke --invoke-address 127.0.0.1 --invoke-port {port} purge --data-file events/purge/sweep.json
AWS      endpoint {endpoint}, key and secret 'test', AWS_CA_BUNDLE={certificate}",
        token = stack.token(&json!({ "sub": "developer" }))?,
        cargo_lambda = watch.program().display(),
        port = watch.port(),
        endpoint = description.endpoint,
    );
    Ok(())
}
