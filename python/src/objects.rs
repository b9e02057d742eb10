//! The small value types of the Python interface: dtypes, devices, layouts, memory formats.

use flambeau_tensor::{DType, MemoryFormat};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple};

use crate::message::type_name;

/// A dtype. Some can be named but not computed with: see [`NAMED_ONLY`].
#[pyclass(frozen, name = "dtype", module = "flambeau")]
#[derive(Debug)]
pub struct PyDType {
    name: &'static str,
    dtype: Option<DType>,
    itemsize: usize,
}

/// Names of dtypes that no tensor can have yet, with their sizes in bytes.
const NAMED_ONLY: [(&str, usize); 9] = [
    ("complex32", 4),
    ("uint16", 2),
    ("uint32", 4),
    ("uint64", 8),
    ("quint8", 1),
    ("qint8", 1),
    ("qint32", 4),
    ("float8_e4m3fn", 1),
    ("float8_e5m2", 1),
];

/// Other names of dtypes.
const ALIASES: [(&str, &str); 9] = [
    ("float", "float32"),
    ("double", "float64"),
    ("half", "float16"),
    ("long", "int64"),
    ("int", "int32"),
    ("short", "int16"),
    ("cfloat", "complex64"),
    ("cdouble", "complex128"),
    ("chalf", "complex32"),
];

impl PyDType {
    /// The object of a dtype.
    pub fn of(py: Python<'_>, dtype: DType) -> &'static Py<PyDType> {
        static OBJECTS: PyOnceLock<Vec<Py<PyDType>>> = PyOnceLock::new();
        let objects = OBJECTS.get_or_init(py, || {
            DType::ALL
                .into_iter()
                .map(|dtype| {
                    let object = PyDType { name: dtype.name(), dtype: Some(dtype), itemsize: dtype.size() };
                    Py::new(py, object).unwrap_or_else(|_| unreachable!("a plain object can be made"))
                })
                .collect()
        });
        &objects[dtype as usize]
    }

    /// The dtype.
    ///
    /// # Errors
    /// If no tensor can have it.
    pub fn dtype(&self) -> PyResult<DType> {
        self.dtype.ok_or_else(|| {
            pyo3::exceptions::PyNotImplementedError::new_err(format!(
                "tensors of torch.{} are not supported",
                self.name
            ))
        })
    }
}

#[pymethods]
impl PyDType {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.name)
    }

    /// The same dtype, or PyTorch's of this name: see [`is_theirs`].
    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(slf.is(other) || is_theirs("dtype", &slf.get().__repr__(), other)?)
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        // Every dtype has one object.
        slf.as_ptr() as isize >> 4
    }

    fn __reduce__(&self) -> &'static str {
        self.name
    }

    #[getter]
    fn is_floating_point(&self) -> bool {
        self.dtype.map_or(self.name.starts_with("float"), DType::is_floating_point)
    }

    #[getter]
    fn is_complex(&self) -> bool {
        self.name.starts_with("complex")
    }

    #[getter]
    fn is_signed(&self) -> bool {
        self.dtype.is_none_or(|d| !matches!(d, DType::Bool | DType::U8)) && !self.name.starts_with("uint")
    }

    #[getter]
    fn itemsize(&self) -> usize {
        self.itemsize
    }

    fn to_real(slf: Py<Self>, py: Python<'_>) -> Py<Self> {
        match slf.get().name {
            "complex32" => PyDType::of(py, DType::F16).clone_ref(py),
            "complex64" => PyDType::of(py, DType::F32).clone_ref(py),
            "complex128" => PyDType::of(py, DType::F64).clone_ref(py),
            _ => slf,
        }
    }
}

/// Whether an object is the one of a name among a type of a PyTorch that a program has beside us, so
/// that results of the two can be compared.
fn is_theirs(kind: &str, name: &str, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = other.get_type();
    Ok(class.name()? == kind && class.module()? == "torch" && other.str()? == name)
}

/// A device. Tensors live on the CPU; others can be named.
#[pyclass(frozen, name = "device", module = "flambeau", eq, hash)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PyDevice {
    kind: String,
    index: Option<u16>,
}

const DEVICE_KINDS: &str = "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone";

impl PyDevice {
    /// The CPU.
    pub fn cpu(py: Python<'_>) -> PyResult<Py<PyDevice>> {
        static CPU: PyOnceLock<Py<PyDevice>> = PyOnceLock::new();
        CPU.get_or_try_init(py, || Py::new(py, PyDevice { kind: "cpu".into(), index: None })).map(|d| d.clone_ref(py))
    }

    /// Reads `"cpu"`, `"cuda:1"`.
    ///
    /// # Errors
    /// PyTorch's errors for other text.
    pub fn parse(text: &str) -> PyResult<Self> {
        let invalid = || PyRuntimeError::new_err(format!("Invalid device string: '{text}'"));
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => (kind, Some(index)),
            None => (text, None),
        };
        if text.is_empty() {
            return Err(PyRuntimeError::new_err("Device string must not be empty"));
        }
        if !kind.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') || kind.is_empty() {
            return Err(invalid());
        }
        if !DEVICE_KINDS.split(", ").any(|k| k == kind) {
            return Err(PyRuntimeError::new_err(format!(
                "Expected one of {DEVICE_KINDS} device type at start of device string: {kind}"
            )));
        }
        let index = match index {
            None => None,
            Some(i)
                if i.is_empty() || !i.bytes().all(|b| b.is_ascii_digit()) || (i.len() > 1 && i.starts_with('0')) =>
            {
                return Err(invalid());
            }
            Some(i) => Some(i.parse().map_err(|_| invalid())?),
        };
        Ok(PyDevice { kind: kind.to_owned(), index })
    }

    /// Reads what Python code may give for a device: `None` when it is nothing of the kind.
    ///
    /// # Errors
    /// If it is one, but not one that exists.
    pub fn from_object(object: &Bound<'_, PyAny>) -> PyResult<Option<PyDevice>> {
        if let Ok(device) = object.cast::<PyDevice>() {
            return Ok(Some(device.get().clone()));
        }
        if let Ok(text) = object.cast::<PyString>() {
            return PyDevice::parse(&text.to_cow()?).map(Some);
        }
        if crate::matching::is_int(object) {
            return Ok(Some(PyDevice { kind: "cuda".into(), index: Some(object.extract()?) }));
        }
        Ok(None)
    }

    /// Checks that tensors can be made there.
    ///
    /// # Errors
    /// If they cannot.
    pub fn require(&self) -> PyResult<()> {
        match self.kind.as_str() {
            "cpu" => Ok(()),
            "cuda" => Err(PyRuntimeError::new_err(
                "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and installed a driver from http://www.nvidia.com/Download/index.aspx",
            )),
            kind => Err(pyo3::exceptions::PyNotImplementedError::new_err(format!(
                "device type {kind} is not supported: tensors live on the CPU"
            ))),
        }
    }
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (r#type, index=None))]
    fn new(r#type: &Bound<'_, PyAny>, index: Option<i64>) -> PyResult<Self> {
        let Some(mut device) = PyDevice::from_object(r#type)? else {
            return Err(PyTypeError::new_err(format!(
                "device(): argument 'type' (position 1) must be str, not {}",
                type_name(r#type)
            )));
        };
        if let Some(index) = index {
            if device.index.is_some() {
                return Err(PyRuntimeError::new_err(format!(
                    "type (string) must not include an index because index was passed explicitly: {}",
                    device.__str__()
                )));
            }
            if index < 0 {
                return Err(PyRuntimeError::new_err("Device index must not be negative"));
            }
            device.index = Some(u16::try_from(index).map_err(|_| PyRuntimeError::new_err("Device index too large"))?);
        }
        Ok(device)
    }

    #[getter]
    fn r#type(&self) -> &str {
        &self.kind
    }

    #[getter]
    fn index(&self) -> Option<u16> {
        self.index
    }

    fn __str__(&self) -> String {
        match self.index {
            Some(index) => format!("{}:{index}", self.kind),
            None => self.kind.clone(),
        }
    }

    fn __repr__(&self) -> String {
        match self.index {
            Some(index) => format!("device(type='{}', index={index})", self.kind),
            None => format!("device(type='{}')", self.kind),
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, device) = (slf.py(), slf.get());
        let args = match device.index {
            Some(index) => (&device.kind, index).into_pyobject(py)?,
            None => (&device.kind,).into_pyobject(py)?,
        };
        Ok((slf.get_type().into_any(), args))
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_args))]
    fn __exit__(&self, _args: &Bound<'_, PyTuple>) {}
}

/// How a tensor's numbers are kept.
#[pyclass(frozen, name = "layout", module = "flambeau")]
#[derive(Debug)]
pub struct PyLayout {
    name: &'static str,
}

impl PyLayout {
    /// Numbers in memory at strides.
    pub fn strided(py: Python<'_>) -> PyResult<Py<PyLayout>> {
        static STRIDED: PyOnceLock<Py<PyLayout>> = PyOnceLock::new();
        STRIDED.get_or_try_init(py, || Py::new(py, PyLayout { name: "strided" })).map(|l| l.clone_ref(py))
    }

    /// Checks that tensors can have this layout.
    ///
    /// # Errors
    /// If they cannot.
    pub fn require(&self) -> PyResult<()> {
        if self.name == "strided" {
            return Ok(());
        }
        Err(pyo3::exceptions::PyNotImplementedError::new_err(format!("layout torch.{} is not supported", self.name)))
    }
}

#[pymethods]
impl PyLayout {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.name)
    }

    /// The same one, or PyTorch's of this name: see [`is_theirs`].
    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(slf.is(other) || is_theirs("layout", &slf.get().__repr__(), other)?)
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        // Every one of them has one object.
        slf.as_ptr() as isize >> 4
    }

    fn __reduce__(&self) -> &'static str {
        self.name
    }
}

/// The order of a tensor's dimensions in memory.
#[pyclass(frozen, name = "memory_format", module = "flambeau")]
#[derive(Debug)]
pub struct PyMemoryFormat {
    /// The format.
    pub format: MemoryFormat,
}

impl PyMemoryFormat {
    /// The object of a format.
    pub fn of(py: Python<'_>, format: MemoryFormat) -> &'static Py<PyMemoryFormat> {
        static OBJECTS: PyOnceLock<Vec<(MemoryFormat, Py<PyMemoryFormat>)>> = PyOnceLock::new();
        let objects = OBJECTS.get_or_init(py, || {
            use MemoryFormat::{ChannelsLast, ChannelsLast3d, Contiguous, Preserve};
            let make = |format| match Py::new(py, PyMemoryFormat { format }) {
                Ok(object) => (format, object),
                Err(_) => unreachable!("a plain object can be made"),
            };
            [Contiguous, ChannelsLast, ChannelsLast3d, Preserve].map(make).into()
        });
        match objects.iter().find(|(f, _)| *f == format) {
            Some((_, object)) => object,
            None => unreachable!("every format has an object"),
        }
    }

    fn name(&self) -> &'static str {
        match self.format {
            MemoryFormat::Contiguous => "contiguous_format",
            MemoryFormat::ChannelsLast => "channels_last",
            MemoryFormat::ChannelsLast3d => "channels_last_3d",
            MemoryFormat::Preserve => "preserve_format",
        }
    }
}

#[pymethods]
impl PyMemoryFormat {
    fn __repr__(&self) -> String {
        format!("torch.{}", self.name())
    }

    /// The same one, or PyTorch's of this name: see [`is_theirs`].
    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(slf.is(other) || is_theirs("memory_format", &slf.get().__repr__(), other)?)
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        // Every one of them has one object.
        slf.as_ptr() as isize >> 4
    }

    fn __reduce__(&self) -> &'static str {
        self.name()
    }
}

/// Puts the classes and their objects into the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<PyDType>()?;
    module.add_class::<PyDevice>()?;
    module.add_class::<PyLayout>()?;
    module.add_class::<PyMemoryFormat>()?;
    for dtype in DType::ALL {
        module.add(dtype.name(), PyDType::of(py, dtype))?;
    }
    for (name, itemsize) in NAMED_ONLY {
        module.add(name, Py::new(py, PyDType { name, dtype: None, itemsize })?)?;
    }
    for (alias, name) in ALIASES {
        module.add(alias, module.getattr(name)?)?;
    }
    use MemoryFormat::{ChannelsLast, ChannelsLast3d, Contiguous, Preserve};
    for format in [Contiguous, ChannelsLast, ChannelsLast3d, Preserve] {
        let object = PyMemoryFormat::of(py, format);
        module.add(object.get().name(), object)?;
    }
    module.add("strided", PyLayout::strided(py)?)?;
    for name in ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "_mkldnn", "jagged"] {
        module.add(name, Py::new(py, PyLayout { name })?)?;
    }
    Ok(())
}
