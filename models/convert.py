"""Converts a MediaPipe TFLite face model to ONNX. The same input gives the same bytes on every run.

    convert.py IN.tflite OUT.onnx

Inside the graph, activations are NCHW, as the inference engine needs them. The graph's input and outputs keep the TFLite
(NHWC) shapes, so that the models' documentation still applies. The converter supports only the operators of these models;
any other operator stops the conversion. `cargo xtask models` fetches, converts and verifies the models.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR_VERSION = 8
NCHW_FROM_NHWC = [0, 3, 1, 2]
NHWC_FROM_NCHW = [0, 2, 3, 1]
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPERATOR_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Computes TFLite's SAME padding of one axis. It can be asymmetric at stride 2; the odd pixel goes to the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Converter:
    """Converts one TFLite subgraph, operator by operator, to equivalent ONNX nodes."""

    def __init__(self, data: bytes):
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes = []
        self.initializers = []
        self.initializer_names = {}  # contents → name, so that equal constants are stored once
        self.constants = {}  # tensor index → array
        self.values = {}  # tensor index → (ONNX value name, "nchw" or "raw")
        self.transposed = {}  # (tensor index, layout) → ONNX value name
        self.value_count = 0

    # -- reading the TFLite side

    def tensor_name(self, index: int) -> str:
        return self.graph.Tensors(index).Name().decode()

    def shape(self, index: int) -> list[int]:
        tensor = self.graph.Tensors(index)
        return [int(n) for n in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []

    def constant(self, index: int) -> np.ndarray:
        """Returns the value of a constant tensor, stored or dequantised during the conversion."""
        if index not in self.constants:
            tensor = self.graph.Tensors(index)
            data = self.model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
            self.constants[index] = np.frombuffer(data, DTYPES[tensor.Type()]).reshape(self.shape(index))
        return self.constants[index]

    @staticmethod
    def options(operator, kind):
        table = operator.BuiltinOptions()
        options = kind()
        options.Init(table.Bytes, table.Pos)
        return options

    # -- writing the ONNX side

    def initializer(self, array: np.ndarray, hint: str = "c") -> str:
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.initializer_names:
            name = f"{hint}_{len(self.initializers)}"
            self.initializers.append(numpy_helper.from_array(array, name))
            self.initializer_names[key] = name
        return self.initializer_names[key]

    def scalar(self, value: float) -> str:
        return self.initializer(np.array(value, np.float32))

    def node(self, kind: str, inputs: list[str], **attributes) -> str:
        output = f"v{self.value_count}"
        self.value_count += 1
        name = f"n{len(self.nodes)}_{kind}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, **attributes))
        return output

    def value(self, index: int, layout: str | None = None) -> str:
        """Returns the name of an activation in this layout. Each activation is transposed at most once."""
        name, have = self.values[index]
        if layout is None or have == layout:
            return name
        if (index, layout) not in self.transposed:
            perm = NCHW_FROM_NHWC if layout == "nchw" else NHWC_FROM_NCHW
            self.transposed[index, layout] = self.node("Transpose", [name], perm=perm)
        return self.transposed[index, layout]

    def activated(self, value: str, activation: int) -> str:
        if activation == tflite.ActivationFunctionType.NONE:
            return value
        if activation == tflite.ActivationFunctionType.RELU:
            return self.node("Relu", [value])
        raise NotImplementedError(f"fused activation {activation}")

    def bias(self, inputs: list[int]) -> list[str]:
        return [self.initializer(self.constant(inputs[2]), "b")] if len(inputs) > 2 and inputs[2] >= 0 else []

    def pads(self, padding: int, index: int, kernel, strides) -> list[int]:
        """Computes the ONNX pads (top, left, bottom, right) of a window over the tensor's height and width."""
        if padding == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        height, width = self.shape(index)[1:3]
        top, bottom = same_padding(height, kernel[0], strides[0])
        left, right = same_padding(width, kernel[1], strides[1])
        return [top, left, bottom, right]

    # -- operators: one method for each, with TFLite's name

    def op_dequantize(self, _operator, inputs, outputs):
        # Converts half-precision weights to single-precision constants.
        self.constants[outputs[0]] = self.constant(inputs[0]).astype(np.float32)

    def convolution(self, operator, inputs, outputs, kind, weight_order, group):
        options = self.options(operator, kind)
        weights = self.constant(inputs[1])
        kernel, strides = list(weights.shape[1:3]), [options.StrideH(), options.StrideW()]
        if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
            raise NotImplementedError("dilated convolution")
        pads = self.pads(options.Padding(), inputs[0], kernel, strides)
        arguments = [self.value(inputs[0], "nchw"), self.initializer(weights.transpose(weight_order), "w")]
        result = self.node(
            "Conv",
            arguments + self.bias(inputs),
            kernel_shape=kernel,
            strides=strides,
            pads=pads,
            dilations=[1, 1],
            group=group,
        )
        self.values[outputs[0]] = self.activated(result, options.FusedActivationFunction()), "nchw"

    def op_conv_2d(self, operator, inputs, outputs):
        self.convolution(operator, inputs, outputs, tflite.Conv2DOptions, (0, 3, 1, 2), 1)

    def op_depthwise_conv_2d(self, operator, inputs, outputs):
        channels = self.shape(inputs[0])[3]
        self.convolution(operator, inputs, outputs, tflite.DepthwiseConv2DOptions, (3, 0, 1, 2), channels)

    def op_prelu(self, _operator, inputs, outputs):
        # The engine lowers PRelu to compare, multiply and select. The forms below are equal up to rounding and run two to
        # three times faster; the form with fewer operators also loads faster. It is max(x, slope·x) if no slope is above
        # one, otherwise x + (slope - 1)·min(x, 0).
        slope = self.constant(inputs[1])
        if slope.shape[:2] != (1, 1):
            raise NotImplementedError(f"PRelu slope of shape {slope.shape}")
        slope = slope.transpose(2, 0, 1)[None]
        x = self.value(inputs[0], "nchw")
        if slope.max() <= 1:
            result = self.node("Max", [x, self.node("Mul", [x, self.initializer(slope, "slope")])])
        else:
            negative = self.node("Min", [x, self.scalar(0.0)])
            result = self.node("Add", [x, self.node("Mul", [negative, self.initializer(slope - 1, "slope")])])
        self.values[outputs[0]] = result, "nchw"

    def elementwise(self, kind, inputs, outputs):
        self.values[outputs[0]] = self.node(kind, [self.value(inputs[0])]), self.values[inputs[0]][1]

    def op_relu(self, _operator, inputs, outputs):
        self.elementwise("Relu", inputs, outputs)

    def op_logistic(self, _operator, inputs, outputs):
        self.elementwise("Sigmoid", inputs, outputs)

    def op_add(self, operator, inputs, outputs):
        activation = self.options(operator, tflite.AddOptions).FusedActivationFunction()
        layout = self.values[inputs[0]][1]
        total = self.node("Add", [self.value(i, layout) for i in inputs])
        self.values[outputs[0]] = self.activated(total, activation), layout

    def op_pad(self, _operator, inputs, outputs):
        before_after = self.constant(inputs[1])[NCHW_FROM_NHWC]
        pads = np.concatenate([before_after[:, 0], before_after[:, 1]]).astype(np.int64)
        padded = self.node("Pad", [self.value(inputs[0], "nchw"), self.initializer(pads)], mode="constant")
        self.values[outputs[0]] = padded, "nchw"

    def op_max_pool_2d(self, operator, inputs, outputs):
        options = self.options(operator, tflite.Pool2DOptions)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        pads = self.pads(options.Padding(), inputs[0], kernel, strides)
        x = self.value(inputs[0], "nchw")
        pooled = self.node("MaxPool", [x], kernel_shape=kernel, strides=strides, pads=pads)
        self.values[outputs[0]] = self.activated(pooled, options.FusedActivationFunction()), "nchw"

    def op_resize_bilinear(self, operator, inputs, outputs):
        options = self.options(operator, tflite.ResizeBilinearOptions)
        mode = "asymmetric"
        if options.AlignCorners():
            mode = "align_corners"
        elif options.HalfPixelCenters():
            mode = "half_pixel"
        (_, height, width, _), (_, to_height, to_width, _) = self.shape(inputs[0]), self.shape(outputs[0])
        no_region = self.initializer(np.zeros(0, np.float32))
        scales = self.initializer(np.array([1, 1, to_height / height, to_width / width], np.float32))
        arguments = [self.value(inputs[0], "nchw"), no_region, scales]
        resized = self.node("Resize", arguments, mode="linear", coordinate_transformation_mode=mode)
        self.values[outputs[0]] = resized, "nchw"

    def op_reshape(self, _operator, inputs, outputs):
        # Reshape follows the memory order, so the value is transposed to NHWC first.
        shape = self.initializer(np.array(self.shape(outputs[0]), np.int64))
        self.values[outputs[0]] = self.node("Reshape", [self.value(inputs[0], "raw"), shape]), "raw"

    def op_concatenation(self, operator, inputs, outputs):
        rank = len(self.shape(outputs[0]))
        axis = self.options(operator, tflite.ConcatenationOptions).Axis() % rank
        self.values[outputs[0]] = self.node("Concat", [self.value(i, "raw") for i in inputs], axis=axis), "raw"

    # -- the whole graph

    def convert(self) -> onnx.ModelProto:
        inputs = []
        for place in range(self.graph.InputsLength()):
            index = self.graph.Inputs(place)
            name = self.tensor_name(index)
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shape(index)))
            self.values[index] = name, "raw"
        for place in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(place)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            name = OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())].lower()
            method = getattr(self, f"op_{name}", None)
            if method is None:
                raise NotImplementedError(f"operator {name}")
            method(operator, [int(i) for i in operator.InputsAsNumpy()], [int(i) for i in operator.OutputsAsNumpy()])
        return self.finish(inputs)

    def finish(self, inputs) -> onnx.ModelProto:
        outputs = []
        for place in range(self.graph.OutputsLength()):
            index = self.graph.Outputs(place)
            name = self.tensor_name(index)
            self.nodes.append(helper.make_node("Identity", [self.value(index, "raw")], [name], name=f"out_{place}"))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shape(index)))
        needed = {output.name for output in outputs}
        kept = []
        for node in reversed(self.nodes):  # drops nodes that no output depends on
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        constants = [tensor for tensor in self.initializers if tensor.name in needed]
        graph = helper.make_graph(kept[::-1], "mediapipe", inputs, outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="tfl2onnx")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    model = Converter(source.read_bytes()).convert()
    target.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
