"""The functional form of multi-head attention."""

from __future__ import annotations

import math
import warnings

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.nn import functional as F


def _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads) -> bool:
    """Whether the arguments are batched; they must agree about it."""
    rank = query.dim()
    if rank not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor"
        )
    kind = f"For {'batched' if rank == 3 else 'unbatched'} ({rank}-D) `query`, expected"
    if key.dim() != rank or value.dim() != rank:
        raise AssertionError(
            f"{kind} `key` and `value` to be {rank}-D but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != rank - 1:
        raise AssertionError(
            f"{kind} `key_padding_mask` to be `None` or {rank - 1}-D but found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"{kind} `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead"
            )
        if rank == 2 and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            if attn_mask.shape != expected:
                raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}")
    return rank == 3


def _none_or_dtype(input: Tensor | None):
    if input is None:
        return None
    if isinstance(input, Tensor):
        return input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _canonical_mask(mask, mask_name: str, other_type, other_name: str, target_type, check_other: bool = True):
    """A mask to be added: minus infinity where a boolean one is True."""
    if mask is None:
        return None
    is_float = mask.is_floating_point()
    if mask.dtype != _native.bool and not is_float:
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=2,
        )
    if is_float:
        return mask
    return _native.zeros_like(mask, dtype=target_type).masked_fill_(mask, -math.inf)


def _project_packed(q, k, v, weight, bias):
    """The three projections by one weight, sharing work where arguments are the same tensor."""
    size = q.size(-1)

    def split_last(projected, parts):
        return projected.unflatten(-1, (parts, size)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()

    if k is v and q is k:
        projected = split_last(F.linear(q, weight, bias), 3)
        return projected[0], projected[1], projected[2]
    if k is v:
        w_q, w_kv = weight.split([size, 2 * size])
        b_q, b_kv = (None, None) if bias is None else bias.split([size, 2 * size])
        key_value = split_last(F.linear(k, w_kv, b_kv), 2)
        return F.linear(q, w_q, b_q), key_value[0], key_value[1]
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return tuple(F.linear(x, w, b) for x, w, b in zip((q, k, v), weight.chunk(3), biases))


def _project(q, k, v, weights, bias):
    sizes = (q.size(-1), k.size(-1), v.size(-1))
    biases = (None, None, None) if bias is None else bias.chunk(3)
    for name, weight, b, size in zip(("query", "key", "value"), weights, biases, sizes):
        if weight.shape != (sizes[0], size):
            raise AssertionError(f"expecting {name} weights shape of {(sizes[0], size)}, but got {weight.shape}")
        if b is not None and b.shape != (sizes[0],):
            raise AssertionError(f"expecting {name} bias shape of {(sizes[0],)}, but got {b.shape}")
    return tuple(F.linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases))


def _check_static(tensor, name: str, heads: int, head_dim: int) -> None:
    if tensor.size(0) != heads:
        raise AssertionError(f"expecting {name}.size(0) of {heads}, but got {tensor.size(0)}")
    if tensor.size(2) != head_dim:
        raise AssertionError(f"expecting {name}.size(2) of {head_dim}, but got {tensor.size(2)}")


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
    need_weights: bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention with several heads; sequences come first, batches second."""
    is_batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        same = {id(t): t.unsqueeze(1) for t in (query, key, value)}
        query, key, value = (same[id(t)] for t in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target_length, batch, embed_dim = query.shape
    source_length = key.shape[0]
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the attention itself knows how to be causal
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        if key_padding_mask is not None:
            is_causal = False

    if embed_dim != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}")
    head_dim = embed_dim // num_heads
    if head_dim * num_heads != embed_dim:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        q, k, v = _project(query, key, value, (q_proj_weight, k_proj_weight, v_proj_weight), in_proj_bias)
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _project_packed(query, key, value, in_proj_weight, in_proj_bias)

    heads = batch * num_heads
    if attn_mask is not None:
        rank = attn_mask.dim()
        expected = (target_length, source_length) if rank == 2 else (heads, target_length, source_length)
        if attn_mask.shape != expected:
            raise RuntimeError(
                f"The shape of the {rank}D attn_mask is {attn_mask.shape}, but should be {expected}."
            )
        if rank == 2:
            attn_mask = attn_mask.unsqueeze(0)

    def extend_masks():
        return tuple(None if mask is None else F.pad(mask, (0, 1)) for mask in (attn_mask, key_padding_mask))

    if bias_k is not None and bias_v is not None:
        if static_k is not None:
            raise AssertionError("bias cannot be added to static key.")
        if static_v is not None:
            raise AssertionError("bias cannot be added to static value.")
        k = _native.cat([k, bias_k.repeat(1, batch, 1)])
        v = _native.cat([v, bias_v.repeat(1, batch, 1)])
        attn_mask, key_padding_mask = extend_masks()
    elif bias_k is not None or bias_v is not None:
        raise AssertionError(
            "bias_k is set but bias_v is None" if bias_v is None else "bias_v is set but bias_k is None"
        )

    q = q.view(target_length, heads, head_dim).transpose(0, 1)
    if static_k is None:
        k = k.view(k.shape[0], heads, head_dim).transpose(0, 1)
    else:
        _check_static(static_k, "static_k", heads, head_dim)
        k = static_k
    if static_v is None:
        v = v.view(v.shape[0], heads, head_dim).transpose(0, 1)
    else:
        _check_static(static_v, "static_v", heads, head_dim)
        v = static_v
    if add_zero_attn:
        shape = (heads, 1, head_dim)
        k = _native.cat([k, _native.zeros(shape, dtype=k.dtype, device=k.device)], dim=1)
        v = _native.cat([v, _native.zeros(shape, dtype=v.dtype, device=v.device)], dim=1)
        attn_mask, key_padding_mask = extend_masks()
    source_length = k.size(1)

    if key_padding_mask is not None:
        for dim, size in ((0, batch), (1, source_length)):
            if key_padding_mask.shape[dim] != size:
                raise AssertionError(
                    f"Expected key_padded_mask.shape[{dim}] to be {size}, but got {key_padding_mask.shape[dim]}"
                )
        expanded = key_padding_mask.view(batch, 1, 1, source_length).expand(-1, num_heads, -1, -1)
        expanded = expanded.reshape(heads, 1, source_length)
        attn_mask = expanded if attn_mask is None else attn_mask + expanded
    if not training:
        dropout_p = 0.0

    if need_weights:
        if is_causal and attn_mask is None:
            raise AssertionError("FIXME: is_causal not implemented for need_weights")
        scaled = q * math.sqrt(1.0 / float(head_dim))
        transposed = k.transpose(-2, -1)
        if attn_mask is None:
            weights = _native.bmm(scaled, transposed)
        else:
            weights = _native.baddbmm(attn_mask, scaled, transposed)
        weights = F.softmax(weights, dim=-1)
        if dropout_p > 0.0:
            weights = F.dropout(weights, p=dropout_p)
        output = _native.bmm(weights, v).transpose(0, 1).reshape(target_length * batch, embed_dim)
        output = F.linear(output, out_proj_weight, out_proj_bias)
        output = output.view(target_length, batch, output.size(1))
        weights = weights.view(batch, num_heads, target_length, source_length)
        if average_attn_weights:
            weights = weights.mean(dim=1)
        return (output, weights) if is_batched else (output.squeeze(1), weights.squeeze(0))

    if attn_mask is not None:
        if attn_mask.size(0) == 1 and attn_mask.dim() == 3:
            attn_mask = attn_mask.unsqueeze(0)
        else:
            attn_mask = attn_mask.view(batch, num_heads, -1, source_length)
    q = q.view(batch, num_heads, target_length, head_dim)
    k = k.view(batch, num_heads, source_length, head_dim)
    v = v.view(batch, num_heads, source_length, head_dim)
    output = F.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
    output = output.permute(2, 0, 1, 3).reshape(batch * target_length, embed_dim)
    output = F.linear(output, out_proj_weight, out_proj_bias)
    output = output.view(target_length, batch, output.size(1))
    return (output if is_batched else output.squeeze(1)), None
