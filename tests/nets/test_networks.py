"""Many networks in one batched product: one member is a plain MLP, and members are independent."""

import pytest
import torch
from torch import nn

from mbpo_teach.ground.seeding import torch_generator
from mbpo_teach.nets.networks import MemberLinear, MemberMLP, mlp, normalised, unpacked

SIZES = (3, 16, 8, 2)


def network(members=1, sizes=SIZES, **options):
    return MemberMLP(members, sizes, generator=torch_generator(0, "test"), **options)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch_generator(seed, "data"))


def plain(net, member):
    """Return the torch.nn.Sequential with the weights of one member."""
    modules = []
    for layer in net.layers:
        linear = nn.Linear(*layer.weight.shape[:0:-1])
        with torch.no_grad():
            linear.weight.copy_(layer.weight[member])
            linear.bias.copy_(layer.bias[member, :, 0])
        modules += [linear, nn.SiLU()]
    return nn.Sequential(*modules[:-1])


def test_a_layer_by_hand():
    layer = MemberLinear(1, 2, 1, generator=torch_generator(0))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[2.0, 3.0]]]))
        layer.bias.fill_(1.0)
    inputs = torch.tensor([[[10.0, 100.0]]])
    assert mlp([layer.chosen()], inputs, torch.relu).item() == 321.0


@pytest.mark.parametrize("members", [1, 3])
def test_each_member_is_a_plain_network(members):
    """The identity: values and gradients, of every layer and of the input."""
    net, inputs = network(members), normal(members, 5, 3).requires_grad_()
    weights = normal(members, 5, 2, seed=1)
    (net(inputs) * weights).sum().backward()
    for member in range(members):
        single, its_inputs = plain(net, member), inputs.detach()[member].requires_grad_()
        outputs = single(its_inputs)
        torch.testing.assert_close(outputs, net(inputs)[member])
        (outputs * weights[member]).sum().backward()
        torch.testing.assert_close(inputs.grad[member], its_inputs.grad)
        for layer, linear in zip(net.layers, single[::2], strict=True):
            torch.testing.assert_close(layer.weight.grad[member], linear.weight.grad)
            torch.testing.assert_close(layer.bias.grad[member, :, 0], linear.bias.grad)


@pytest.mark.parametrize("piece", [1, 2, 5, 9])
def test_pieces_and_gradients_switched_off_change_no_output_and_no_input(piece):
    net, inputs = network(3), normal(3, 5, 3)
    outputs = net(inputs)
    with torch.no_grad():
        torch.testing.assert_close(net(inputs, piece=piece), outputs)
        torch.testing.assert_close(net(inputs[[2]], members=[2], piece=piece), outputs[[2]])
    torch.testing.assert_close(net(inputs, piece=piece), outputs)
    assert torch.equal(inputs, normal(3, 5, 3))
    with pytest.raises(ValueError, match="piece must be"):
        net(inputs, piece=0)


def test_pieces_go_through_one_after_the_other():
    seen = []
    net = network(2, activation=lambda values: seen.append(values.shape[-1]) or torch.relu(values))
    net(normal(2, 5, 3), piece=2)
    assert seen == [2, 2, 2, 2, 1, 1]  # two hidden layers


def test_members_start_differently_and_do_not_touch_each_other():
    """One member's data changes no other member's gradient."""
    net = network(3)
    assert not torch.equal(net.layers[0].weight[0], net.layers[0].weight[1])
    gradients = []
    for shift in (0.0, 5.0):
        inputs = normal(3, 6, 3)
        inputs[1] += shift
        net.zero_grad()
        net(inputs).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in net.parameters()])
    for before, after in zip(*gradients, strict=True):
        assert torch.equal(before[[0, 2]], after[[0, 2]])
        assert not torch.equal(before[1], after[1])


def test_only_the_chosen_members_are_evaluated_in_the_order_asked():
    """Elites by `if`, or every member and a choice afterwards, would meet the NaN."""
    net, inputs = network(4), normal(2, 5, 3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter[[0, 2]] = float("nan")
    chosen = net(inputs, members=[3, 1])
    torch.testing.assert_close(chosen[0], plain(net, 3)(inputs[0]))
    torch.testing.assert_close(chosen[1], plain(net, 1)(inputs[1]))


def test_weights_start_as_the_authors_do():
    """Normal of deviation 1 / (2 sqrt(in)), cut at two deviations; biases zero."""
    layer = MemberLinear(4, 100, 200, generator=torch_generator(0))
    deviation = 1 / 20
    assert layer.weight.abs().max() <= 2 * deviation
    # A normal cut at two deviations has 0.8796 of the deviation.
    assert layer.weight.std().item() == pytest.approx(0.8796 * deviation, rel=0.01)
    assert not layer.bias.any()


def test_the_same_generator_gives_the_same_network():
    first, second = network(2).state_dict(), network(2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 4, 1), (7, 3, 3, 3, 3, 2)])
def test_any_sizes(sizes):
    assert network(2, sizes)(normal(2, 1, sizes[0])).shape == (2, 1, sizes[-1])


def test_another_activation_between_the_layers_and_none_after_the_last():
    net = network(1, (2, 4, 3), activation=torch.zeros_like)
    net.layers[1].bias.data.fill_(-7.0)
    assert (net(normal(1, 5, 2)) == -7).all()


@pytest.mark.parametrize("members", [1, 3])
def test_packed_weights_are_the_same_network(members):
    net, inputs = network(members), normal(members, 5, 3)
    layers = unpacked(net.packed(), SIZES)
    assert torch.equal(mlp(layers, inputs, net.activation), net(inputs))
    assert not net.packed().requires_grad


def test_an_activation_may_work_in_place():
    """It gets what a layer has just made, never the caller's inputs or weights."""
    net, inputs = network(2, activation=torch.relu), normal(2, 5, 3)
    given, layers = inputs.clone(), unpacked(net.packed(), SIZES)
    weights = [weight.clone() for weight, _ in layers]
    assert torch.equal(mlp(layers, inputs, torch.relu_), net(inputs))
    assert torch.equal(inputs, given)
    assert all(torch.equal(*pair) for pair in zip(weights, (w for w, _ in layers), strict=True))


def test_outputs_lie_in_memory_row_by_row():
    """What the losses do with transposed outputs takes several times as long."""
    assert network(2)(normal(2, 5, 3)).is_contiguous()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_normalised_is_layer_norm_over_features(scale):
    """The oracle, values and gradients; there features are columns."""
    ours, theirs = (scale * normal(2, 7, 5) for _ in range(2))
    weights = normal(2, 7, 5, seed=1)
    (normalised(ours.requires_grad_()) * weights).sum().backward()
    expected = nn.functional.layer_norm(theirs.requires_grad_().mT, (7,)).mT
    (expected * weights).sum().backward()
    torch.testing.assert_close(normalised(ours), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-3 / scale)
    assert normalised(torch.ones(1, 3, 2)).equal(torch.zeros(1, 3, 2)), "all features alike"


def test_it_learns_xor():
    """The trivial problem that must be solved, by both members at once."""
    net = network(2, (2, 8, 1))
    inputs = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).expand(2, -1, -1)
    targets = torch.tensor([[0.0], [1], [1], [0]])
    optimiser = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(400):
        optimiser.zero_grad()
        (net(inputs) - targets).square().sum().backward()
        optimiser.step()
    assert (net(inputs) - targets).abs().max() < 0.1
