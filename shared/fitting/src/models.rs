//! Loads and runs the three networks: two face detectors and the mesh. The hashes of their files are built in.
//!
//! This is the only module that uses the inference engine. Loading and optimising networks is the larger part of a
//! cold start. So the networks that every photo needs are loaded at once, each on its own thread. The file of the
//! detector for far faces is also read and verified then, but the network is optimised only when a photo needs it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::thread;

use serde::Deserialize;
use tract_onnx::prelude::{
    Framework, InferenceModelExt, IntoRunnable, IntoTValue, Tensor, TractError, TractResult, TypedSimplePlan,
    tvec,
};

use crate::error::FittingError;
use crate::hash::sha256_hex;

/// The manifest: the models and their hashes.
const MANIFEST: &str = include_str!("../../../models/manifest.toml");

/// The loaded networks.
pub struct Models {
    /// Detects faces within about two metres.
    pub(crate) short_range: Network,
    /// Detects faces further away.
    full_range: Deferred,
    /// Computes the points of one face.
    pub(crate) mesh: Network,
}

/// A verified network that is optimised on first use.
struct Deferred {
    file: ModelFile,
    network: OnceLock<Network>,
}

/// A verified model file.
struct ModelFile {
    name: &'static str,
    input: Vec<usize>,
    onnx: Vec<u8>,
}

/// One optimised network with a fixed input shape.
pub(crate) struct Network {
    name: &'static str,
    input: Vec<usize>,
    plan: Arc<TypedSimplePlan>,
}

#[derive(Deserialize)]
struct Manifest {
    model: Vec<ModelEntry>,
}

#[derive(Deserialize)]
struct ModelEntry {
    name: String,
    onnx_sha256: String,
    input: Vec<usize>,
}

impl Models {
    /// Loads the networks from `dir`, where `cargo xtask models` puts them.
    ///
    /// # Errors
    /// [`FittingError`] when a file is missing, its hash differs from the manifest's, or a network cannot be
    /// optimised.
    pub fn load(dir: &Path) -> Result<Self, FittingError> {
        let manifest: Manifest =
            toml::from_str(MANIFEST).map_err(|e| FittingError::Manifest { message: e.to_string() })?;
        thread::scope(|scope| {
            let start = |name| {
                let manifest = &manifest;
                scope.spawn(move || Network::optimised(&ModelFile::read(dir, manifest, name)?))
            };
            let mesh = start("face_landmarks");
            let short_range = start("face_detection_short_range");
            let full_range = ModelFile::read(dir, &manifest, "face_detection_full_range")?;
            let full_range = Deferred { file: full_range, network: OnceLock::new() };
            Ok(Self { short_range: finish(short_range)?, full_range, mesh: finish(mesh)? })
        })
    }

    /// Returns the detector for far faces, and optimises it on first use.
    pub(crate) fn full_range(&self) -> Result<&Network, FittingError> {
        let Deferred { file, network } = &self.full_range;
        if let Some(network) = network.get() {
            return Ok(network);
        }
        let optimised = Network::optimised(file)?;
        Ok(network.get_or_init(|| optimised))
    }
}

fn finish(
    loading: thread::ScopedJoinHandle<'_, Result<Network, FittingError>>,
) -> Result<Network, FittingError> {
    loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl ModelFile {
    fn read(dir: &Path, manifest: &Manifest, name: &'static str) -> Result<Self, FittingError> {
        let entry = manifest.model.iter().find(|m| m.name == name);
        let entry = entry
            .ok_or_else(|| FittingError::Manifest { message: format!("the manifest has no model {name}") })?;
        let path = dir.join(format!("{name}.onnx"));
        let onnx = fs::read(&path).map_err(|source| FittingError::Read { path, source })?;
        if sha256_hex(&onnx) != entry.onnx_sha256 {
            return Err(FittingError::ModelHash { name: name.to_owned() });
        }
        Ok(Self { name, input: entry.input.clone(), onnx })
    }
}

impl Network {
    fn optimised(file: &ModelFile) -> Result<Self, FittingError> {
        let plan = optimised(&file.onnx).map_err(|e| fault(file.name, &e))?;
        Ok(Self { name: file.name, input: file.input.clone(), plan })
    }

    /// Side length of the square input in pixels.
    pub(crate) fn input_side(&self) -> usize {
        self.input[1]
    }

    /// Runs the network on one NHWC input. Returns the outputs as flat vectors, in the manifest's order.
    pub(crate) fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, FittingError> {
        let tensor = Tensor::from_shape(&self.input, input).map_err(|e| fault(self.name, &e))?;
        let outputs = self.plan.run(tvec!(tensor.into_tvalue())).map_err(|e| fault(self.name, &e))?;
        let flat = |t: &Tensor| t.view().as_slice::<f32>().map(<[f32]>::to_vec);
        outputs.iter().map(|t| flat(t).map_err(|e| fault(self.name, &e))).collect()
    }
}

/// Optimises a network and makes it runnable. The engine's usual declutter pass before code generation is left out:
/// it takes half of the load time and changes neither the outputs nor the speed of these convolutional networks.
fn optimised(mut onnx: &[u8]) -> TractResult<Arc<TypedSimplePlan>> {
    let mut model = tract_onnx::onnx().model_for_read(&mut onnx)?.into_typed()?;
    model.optimize()?;
    model.into_runnable()
}

fn fault(name: &str, error: &TractError) -> FittingError {
    FittingError::Model { name: name.to_owned(), message: error.to_string() }
}
