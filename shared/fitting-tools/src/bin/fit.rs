//! `fit PHOTO TEMPLATE OUT`: fits local files exactly as the Lambda function does, and measures the cost.
//!
//! TEMPLATE is a template's folder or a plain picture; OUT's extension selects JPEG or PNG. Exit status: 0 fitted, 2
//! refused, 1 error. With `--json` the last line of stdout is one JSON object.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use domain::ReasonCode;
use fitting::template::{Draft, draft};
use fitting::{
    FitOptions, Fitted, Format, Mark, Models, Outcome, Refusal, Report, Stage, Template, fit_observed,
};
use serde_json::{Map, Value, json};

/// Fit the face of a photo onto a template.
#[derive(Parser)]
#[command(name = "fit", version)]
struct Arguments {
    /// The photo: JPEG, PNG or WebP.
    photo: PathBuf,
    /// A template's folder, or a picture with a face in it.
    template: PathBuf,
    /// The file for the work: .jpg, .jpeg or .png.
    out: PathBuf,
    /// Print the result as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Run the fit this many times and print medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// The folder of the models.
    #[arg(long, default_value = "models/weights")]
    models: PathBuf,
    /// Also draw the visible label.
    #[arg(long)]
    label: bool,
    /// A file for the work's thumbnail (always JPEG).
    #[arg(long)]
    thumbnail: Option<PathBuf>,
}

/// Wall-clock time and process CPU time at one moment.
#[derive(Clone, Copy)]
struct Moment {
    wall: Instant,
    cpu: Duration,
}

/// The cost of one step, in milliseconds.
#[derive(Clone, Copy)]
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            report_error(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let start = Moment::now();
    let models = Models::load(&arguments.models)?;
    let models_cost = start.until_now();
    let start = Moment::now();
    let template = open_template(&models, &arguments.template)?;
    let template_cost = start.until_now();
    let photo =
        fs::read(&arguments.photo).with_context(|| format!("cannot read {}", arguments.photo.display()))?;
    let options = options(arguments)?;

    let mut runs = Vec::new();
    let mut last = None;
    for _ in 0..arguments.repeat {
        let (stages, result) = measured(&models, &template, &photo, &options)?;
        runs.push(stages);
        last = Some(result);
    }
    let mut report = Map::new();
    report.insert("photo_bytes".into(), json!(photo.len()));
    report.insert("repeat".into(), json!(arguments.repeat));
    report.insert("models".into(), models_cost.json());
    report.insert("template".into(), template_cost.json());
    report.insert("stages".into(), medians(&runs));
    let Report { outcome, ignored_profile } = last.context("no fit was run: --repeat must be at least 1")?;
    if let Some(fault) = ignored_profile {
        report.insert("ignored_profile".into(), json!(fault.as_str()));
    }
    let code = match outcome {
        Outcome::Fitted(work) => {
            let thumbnail = arguments.thumbnail.iter().map(|path| (path, &work.thumbnail));
            for (path, bytes) in [(&arguments.out, &work.image)].into_iter().chain(thumbnail) {
                fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            }
            describe_work(&mut report, &work);
            ExitCode::SUCCESS
        }
        Outcome::Refused(refusal) => {
            describe_refusal(&mut report, refusal);
            ExitCode::from(2)
        }
    };
    report.insert("peak_rss_mb".into(), json!(peak_rss_mb()?));
    print(arguments, &report);
    Ok(code)
}

/// Opens a template's folder, or makes a template from a plain picture.
fn open_template(models: &Models, path: &Path) -> anyhow::Result<Template> {
    if path.is_dir() {
        return Ok(Template::open(path)?);
    }
    let picture = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let sketch =
        Draft { id: "picture", version: 1, title: "", licence: "", picture: &picture, mask: None, face: 0 };
    Ok(Template::from_files(&draft(models, &sketch)?)?)
}

/// Builds the fit's options. The mark has the photo file's modification time, so that the same files give the same
/// bytes.
fn options(arguments: &Arguments) -> anyhow::Result<FitOptions> {
    let created = fs::metadata(&arguments.photo)?.modified()?.try_into()?;
    let mut options = FitOptions::new(Mark { id: "local".to_owned(), created });
    options.format = match arguments.out.extension().and_then(|e| e.to_str()) {
        Some("jpg" | "jpeg") => Format::Jpeg,
        Some("png") => Format::Png,
        _ => bail!("{} must end in .jpg, .jpeg or .png", arguments.out.display()),
    };
    options.visible_label = arguments.label;
    Ok(options)
}

/// Runs one fit and measures the cost of each stage and of the whole.
fn measured(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
) -> anyhow::Result<(Vec<(String, Cost)>, Report)> {
    let start = Moment::now();
    let mut last = start;
    let mut stages = Vec::new();
    let report = fit_observed(models, template, photo, options, &mut |stage: Stage| {
        stages.push((format!("{stage:?}").to_lowercase(), last.until_now()));
        last = Moment::now();
    })?;
    stages.push(("total".to_owned(), start.until_now()));
    Ok((stages, report))
}

/// The median cost of every stage over all runs, in the stages' order.
fn medians(runs: &[Vec<(String, Cost)>]) -> Value {
    let mut result = Map::new();
    for (place, (name, _)) in runs.first().into_iter().flatten().enumerate() {
        let costs = runs.iter().filter_map(|run| run.get(place)).map(|(_, cost)| *cost);
        let (mut wall, mut cpu): (Vec<_>, Vec<_>) = costs.map(|cost| (cost.wall_ms, cost.cpu_ms)).unzip();
        result.insert(name.clone(), Cost { wall_ms: median(&mut wall), cpu_ms: median(&mut cpu) }.json());
    }
    Value::Object(result)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn describe_work(report: &mut Map<String, Value>, work: &Fitted) {
    report.insert("outcome".into(), json!("fitted"));
    report.insert("width".into(), json!(work.width));
    report.insert("height".into(), json!(work.height));
    report.insert("work_bytes".into(), json!(work.image.len()));
    report.insert("thumbnail_bytes".into(), json!(work.thumbnail.len()));
}

fn describe_refusal(report: &mut Map<String, Value>, refusal: Refusal) {
    report.insert("outcome".into(), json!("refused"));
    report.insert("reason".into(), json!(refusal.reason.as_str()));
    if let Some((measured, threshold)) = refusal.figures() {
        // Sizes describe the file and are reported exactly, as in the API.
        let figure = |value: f32| {
            let value = f64::from(value);
            json!(if refusal.reason == ReasonCode::TooLarge { value } else { rounded(value) })
        };
        report.insert("measured".into(), figure(measured));
        report.insert("threshold".into(), figure(threshold));
    }
    report.insert("advice".into(), json!(refusal.reason.advice()));
}

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "the tool measures the cost of a fit")]
    fn now() -> Self {
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self { wall: Instant::now(), cpu: Duration::try_from(cpu).unwrap_or_default() }
    }

    fn until_now(self) -> Cost {
        let now = Self::now();
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        Cost { wall_ms: ms(now.wall - self.wall), cpu_ms: ms(now.cpu.saturating_sub(self.cpu)) }
    }
}

impl Cost {
    fn json(self) -> Value {
        json!({ "wall_ms": rounded(self.wall_ms), "cpu_ms": rounded(self.cpu_ms) })
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Returns the process's peak resident memory so far, as the kernel reports it, in MB.
fn peak_rss_mb() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read the peak RSS")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("/proc/self/status has no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("VmHWM is not a number")?;
    Ok(rounded(kib / 1024.0))
}

#[expect(clippy::print_stdout, reason = "a command-line tool prints to its user")]
fn print(arguments: &Arguments, report: &Map<String, Value>) {
    if arguments.json {
        println!("{}", Value::Object(report.clone()));
    } else if let Some(reason) = report.get("reason") {
        println!(
            "refused: {} ({})",
            reason.as_str().unwrap_or_default(),
            report["advice"].as_str().unwrap_or_default()
        );
    } else {
        println!("{}", arguments.out.display());
    }
}

#[expect(clippy::print_stderr, reason = "a command-line tool prints to its user")]
fn report_error(message: &str) {
    eprintln!("fit: {message}");
}
