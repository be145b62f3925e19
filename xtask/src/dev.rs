//! `cargo xtask dev`: runs the service on this machine and rebuilds a function when its source changes.

use std::time::Duration;

use anyhow::ensure;
use local_stack::{Reservation, Stack, Watch};
use serde_json::json;

use crate::local::{Start, prepare_inputs, start_stack};
use crate::workspace::say;

/// The stack's name, by which `cargo xtask replay` finds it.
pub(crate) const STACK: &str = "dev";

/// Run the local stack with `cargo lambda watch` until interrupted.
#[derive(clap::Args)]
pub(crate) struct Dev {}

impl Dev {
    /// Runs until interrupted; every process that it started ends with it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let reservation = Reservation::of(STACK)?;
        let mut report = |step: &str| say(&format!("── {step}"));
        report("Install cargo lambda if it is missing");
        let watch = Watch::prepare(&say)?;
        prepare_inputs(&mut report)?;
        let environment = watch.emulator_environment(STACK);
        let start = Start { environment, watched: true, ..Start::default() };
        let stack = start_stack(reservation, start, &mut report)?;
        report("Start cargo lambda watch");
        let mut watcher = watch.start(&stack)?;
        report("Compile each function by calling it once, so that your first call is fast");
        watch.warm_up(&mut watcher)?;
        print_guide(&stack, &watch)?;
        while !watcher.has_ended() {
            std::thread::sleep(Duration::from_millis(500));
        }
        ensure!(
            false,
            "cargo lambda watch ended unexpectedly; its messages are above; start `cargo xtask dev` again"
        );
        Ok(())
    }
}

/// Prints how to call the running stack, as commands to copy.
#[expect(clippy::print_stdout, reason = "the guide is this command's result")]
fn print_guide(stack: &Stack, watch: &Watch) -> anyhow::Result<()> {
    let description = stack.description();
    let certificate = description.certificate.display();
    let (api, issuer) = (stack.api_url()?, &description.issuer);
    println!(
        "\
The stack is running. After a source change, the next event waits for the compiler. Stop the stack with Ctrl-C.

API      {api}
Token    {token}
         (valid for an hour; get another: curl -s --cacert {certificate} {issuer}/token -d '{{\"sub\":\"somebody\"}}')
Call     curl --cacert {certificate} -H \"Authorization: Bearer $TOKEN\" '{api}/v1/templates'
Replay   cargo xtask replay events/synthesize/photo.json
Invoke   cargo xtask lambda invoke --invoke-address 127.0.0.1 --invoke-port {port} purge --data-file events/purge/sweep.json
AWS      endpoint {endpoint}, key and secret 'test', AWS_CA_BUNDLE={certificate}",
        token = stack.token(&json!({ "sub": "developer" }))?,
        port = watch.port(),
        endpoint = description.endpoint,
    );
    Ok(())
}
