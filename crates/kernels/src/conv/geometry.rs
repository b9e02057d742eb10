//! The sizes of a convolution.

/// Everything about a convolution but the numbers. Sizes per axis are depth, height, width; a
/// 2-D convolution has depth 1, a 1-D one also height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Channels of the input, all groups together.
    pub in_channels: usize,
    /// Channels of the output, all groups together.
    pub out_channels: usize,
    /// Groups: each sees its own share of the input's channels and makes its own of the output's.
    pub groups: usize,
    /// Size of an input image.
    pub input: [usize; 3],
    /// Size of the kernel.
    pub kernel: [usize; 3],
    /// Steps between two positions of the kernel.
    pub stride: [usize; 3],
    /// Zeros before the first element of each axis.
    pub padding_begin: [usize; 3],
    /// Zeros after the last element of each axis.
    pub padding_end: [usize; 3],
    /// Distance between two elements of the kernel.
    pub dilation: [usize; 3],
}

/// In which order the numbers of a batch of images lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageLayout {
    /// `(batch, channel, depth, height, width)`: PyTorch's contiguous format.
    ChannelsFirst,
    /// `(batch, depth, height, width, channel)`: PyTorch's `channels_last`.
    ChannelsLast,
}

impl Geometry {
    /// Size of an output image.
    pub fn output(&self) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let padded = self.input[axis] + self.padding_begin[axis] + self.padding_end[axis];
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            if padded < reach { 0 } else { (padded - reach) / self.stride[axis] + 1 }
        })
    }

    /// Input channels that one output channel sees.
    pub fn group_in_channels(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of one group.
    pub fn group_out_channels(&self) -> usize {
        self.out_channels / self.groups
    }

    /// How many numbers the input has.
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * self.input.iter().product::<usize>()
    }

    /// How many numbers the weight has.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.group_in_channels() * self.kernel.iter().product::<usize>()
    }

    /// How many numbers the output has.
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * self.output().iter().product::<usize>()
    }

    /// Floating-point operations of one pass: a multiplication and an addition for each pair of
    /// weight and output position, those that meet padding included.
    pub fn flops(&self) -> u64 {
        let products = self.weight_len() / self.out_channels.max(1);
        (self.output_len() as u64).saturating_mul(products as u64).saturating_mul(2)
    }
}
