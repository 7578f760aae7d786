//! Sparse matrices: convolutions and pooling have few weights in a row.

use thiserror::Error;

/// More weights or work than was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a product of two linear maps has more than {most} weights, or takes too many products")]
pub struct TooManyWeights {
    /// Most weights that were allowed.
    pub most: usize,
}

/// A matrix that stores the weights that are not zero, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    columns: usize,
    /// Where each row starts in the lists, and where the last one ends.
    starts: Vec<usize>,
    /// Columns of the weights, ascending in each row.
    at: Vec<u32>,
    weights: Vec<f64>,
}

impl Matrix {
    /// From rows of pairs of column and weight, in any order; weights in one place add up.
    #[must_use]
    pub fn from_rows(columns: usize, rows: impl IntoIterator<Item = Vec<(usize, f64)>>) -> Self {
        let mut matrix = Self {
            columns,
            starts: vec![0],
            at: Vec::new(),
            weights: Vec::new(),
        };
        for mut row in rows {
            row.sort_by_key(|&(column, _)| column);
            matrix.push_row(row.into_iter());
        }
        matrix
    }

    /// From all weights in row-major order.
    #[must_use]
    pub fn from_dense(columns: usize, weights: &[f64]) -> Self {
        let row = |row: &[f64]| row.iter().copied().enumerate().collect();
        Self::from_rows(columns, weights.chunks(columns.max(1)).map(row))
    }

    /// Ones on the diagonal.
    #[must_use]
    pub fn identity(size: usize) -> Self {
        Self::diagonal(&vec![1.0; size])
    }

    /// These on the diagonal.
    #[must_use]
    pub fn diagonal(weights: &[f64]) -> Self {
        let row = |(column, &weight)| vec![(column, weight)];
        Self::from_rows(weights.len(), weights.iter().enumerate().map(row))
    }

    fn push_row(&mut self, row: impl Iterator<Item = (usize, f64)>) {
        let start = self.at.len();
        for (column, weight) in row {
            debug_assert!(column < self.columns);
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            match (self.at.last(), self.weights.last_mut()) {
                (Some(&last), Some(sum)) if self.at.len() > start && last == column => {
                    *sum += weight;
                }
                _ => {
                    self.at.push(column);
                    self.weights.push(weight);
                }
            }
        }
        let mut kept = start;
        for index in start..self.at.len() {
            if self.weights[index] != 0.0 {
                self.at.swap(kept, index);
                self.weights.swap(kept, index);
                kept += 1;
            }
        }
        self.at.truncate(kept);
        self.weights.truncate(kept);
        self.starts.push(kept);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of weights that are not zero.
    #[must_use]
    pub fn nonzeros(&self) -> usize {
        self.weights.len()
    }

    /// Columns and weights of a row, by ascending column; nothing behind the last row.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (usize, f64)> + Clone + '_ {
        let start = self.starts.get(row).copied().unwrap_or(0);
        let end = self.starts.get(row + 1).copied().unwrap_or(start);
        let columns = self.at[start..end].iter().map(|&column| column as usize);
        columns.zip(self.weights[start..end].iter().copied())
    }

    /// A weight, zero where none is stored.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> f64 {
        let start = self.starts.get(row).copied().unwrap_or(0);
        let end = self.starts.get(row + 1).copied().unwrap_or(start);
        let found = u32::try_from(column)
            .ok()
            .and_then(|column| self.at[start..end].binary_search(&column).ok());
        found.map_or(0.0, |index| self.weights[start + index])
    }

    /// Adds the product with `x` to `sums`.
    pub fn add_product(&self, x: &[f64], sums: &mut [f64]) {
        for (row, sum) in sums.iter_mut().enumerate().take(self.rows()) {
            let terms = self.row(row);
            *sum += terms
                .map(|(column, weight)| weight * x[column])
                .sum::<f64>();
        }
    }

    /// Every weight times the factor of its row.
    #[must_use]
    pub fn scale_rows(mut self, factors: &[f64]) -> Self {
        for (ends, factor) in self.starts.windows(2).zip(factors) {
            for weight in &mut self.weights[ends[0]..ends[1]] {
                *weight *= factor;
            }
        }
        self
    }

    /// Every weight times the factor of its column.
    #[must_use]
    pub fn scale_columns(mut self, factors: &[f64]) -> Self {
        for (weight, &column) in self.weights.iter_mut().zip(&self.at) {
            *weight *= factors[column as usize];
        }
        self
    }

    /// How many products of two weights `self · first` takes.
    #[must_use]
    pub fn products(&self, first: &Self) -> usize {
        let columns = self
            .at
            .iter()
            .map(|&column| first.row(column as usize).len());
        columns.fold(0, usize::saturating_add)
    }

    /// `self · first`: what this map makes of what that one makes.
    ///
    /// # Errors
    /// [`TooManyWeights`] for more than `most` weights, or 2^10 times as many products.
    pub fn after(&self, first: &Self, most: usize) -> Result<Self, TooManyWeights> {
        let refused = TooManyWeights { most };
        if self.products(first) > most.saturating_mul(1 << 10) {
            return Err(refused);
        }
        let mut product = Self {
            columns: first.columns,
            starts: vec![0],
            at: Vec::new(),
            weights: Vec::new(),
        };
        let mut sums = vec![0.0; first.columns];
        let mut touched = vec![false; first.columns];
        for row in 0..self.rows() {
            let mut columns = Vec::new();
            for (middle, left) in self.row(row) {
                for (column, right) in first.row(middle) {
                    if !touched[column] {
                        touched[column] = true;
                        columns.push(column);
                    }
                    sums[column] += left * right;
                }
            }
            columns.sort_unstable();
            product.push_row(columns.iter().map(|&column| (column, sums[column])));
            if product.nonzeros() > most {
                return Err(refused);
            }
            for column in columns {
                sums[column] = 0.0;
                touched[column] = false;
            }
        }
        Ok(product)
    }

    /// The sum of two matrices of the same sizes.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        debug_assert_eq!((self.rows(), self.columns), (other.rows(), other.columns));
        let row = |row: usize| self.row(row).chain(other.row(row)).collect();
        Self::from_rows(self.columns, (0..self.rows()).map(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dense(rows: usize, columns: usize) -> impl Strategy<Value = Vec<f64>> {
        let weight = prop_oneof![Just(0.0), (-4i8..=4).prop_map(f64::from)];
        proptest::collection::vec(weight, rows * columns)
    }

    proptest! {
        #[test]
        fn products_and_sums_are_those_of_dense_matrices(
            a in dense(5, 4), b in dense(4, 6), c in dense(4, 6), x in dense(6, 1),
        ) {
            let [a_, b_, c_] = [(4, &a), (6, &b), (6, &c)].map(|(n, m)| Matrix::from_dense(n, m));
            prop_assert_eq!(b_.nonzeros(), b.iter().filter(|w| **w != 0.0).count());
            let at = |m: &[f64], n: usize, i: usize, j: usize| m[i * n + j];
            let product = a_.after(&b_, 100).unwrap();
            let sum = b_.plus(&c_);
            let mut applied = vec![1.0; 5];
            product.add_product(&x, &mut applied);
            for (i, &applied) in applied.iter().enumerate() {
                let mut total = 1.0;
                for (j, &x) in x.iter().enumerate() {
                    let want: f64 = (0..4).map(|k| at(&a, 4, i, k) * at(&b, 6, k, j)).sum();
                    prop_assert_eq!(product.get(i, j), want);
                    total += want * x;
                    if i < 4 {
                        prop_assert_eq!(sum.get(i, j), at(&b, 6, i, j) + at(&c, 6, i, j));
                    }
                }
                prop_assert_eq!(applied, total);
            }
        }
    }

    #[test]
    fn products_that_grow_too_large_are_refused() {
        let (column, row) = (
            Matrix::from_dense(1, &[1.0; 9]),
            Matrix::from_dense(9, &[1.0; 9]),
        );
        assert_eq!(column.after(&row, 80), Err(TooManyWeights { most: 80 }));
        assert_eq!(
            column.after(&row, 81).map(|product| product.nonzeros()),
            Ok(81)
        );
    }

    #[test]
    fn scaling_takes_rows_or_columns() {
        let matrix = Matrix::from_dense(2, &[1.0, 2.0, 3.0, 4.0]);
        let rows = matrix.clone().scale_rows(&[2.0, 3.0]);
        assert_eq!(rows, Matrix::from_dense(2, &[2.0, 4.0, 9.0, 12.0]));
        let columns = matrix.scale_columns(&[2.0, 3.0]);
        assert_eq!(columns, Matrix::from_dense(2, &[2.0, 6.0, 6.0, 12.0]));
    }
}
