//! How much is read.

/// Bounds that hold before anything of that size is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of the file.
    pub file_bytes: usize,
    /// Nodes of the graph.
    pub nodes: usize,
    /// Elements of one tensor.
    pub tensor_elements: usize,
}

impl Default for Limits {
    /// 64 MiB, 4,096 nodes and 2^24 elements a tensor: several times the largest network that can
    /// sensibly run on ciphertexts.
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            nodes: 4096,
            tensor_elements: 1 << 24,
        }
    }
}
