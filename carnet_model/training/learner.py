"""The network as it learns: a step of training, a step of validation, the errors of an epoch."""

from __future__ import annotations

import math
import random
import time
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from natural_tensors.errors import InputError

from ..compiled.compilation import compile_kernels
from ..network.model import CarNet
from .averaging import average_of, short_run
from .batches import StepBatch, training_steps
from .building import build_network
from .fine_tuning import initialize_from
from .label_tensors import PotentialLabels, TensorLabels
from .losses import PotentialLoss, loss_of
from .muon import Muon, hidden_matrices
from .plan import Plan
from .processes import gathered
from .samples import Samples
from .validation import error_names, errors, predict_batch, score

PATIENCE_WITH_NAN = 20
"""Steps in a row whose gradient is not finite before training gives up."""


class TrainingError(InputError, RuntimeError):
    """A run that cannot start, go on or end."""


class Learner(pl.LightningModule):
    """The network with its loss, optimizer and average.

    Args:
        plan: of the training.
        samples: gives scales and sizes.
    """

    def __init__(self, plan: Plan, samples: Samples) -> None:
        super().__init__()
        self.plan, self.config = plan, plan.config
        self.model = build_network(plan.network, plan.targets, samples)
        self.notices: list[str] = []
        notice = compile_kernels(self.model, self.config.compile)
        if plan.donor is not None:  # compiled: a reference is fitted to the whole training set
            self.notices += initialize_from(plan.donor, self.model, samples)
        self.notices += [notice] if notice else []
        self.average: AveragedModel | None = None
        self.size = len(samples.train)
        self.steps = len(training_steps(samples, self.config)) * self.config.epochs
        if self.config.ema:
            self.average = average_of(self.model, self.config.ema)
            notice = short_run(self.config.ema, self.steps)
            self.notices += [notice] if notice else []
        self.scales = samples.scales
        self.losses = {
            target.key: loss_of(
                target,
                output.assembly.packing,
                self.config.loss,
                samples.scales[target.key].loss,
                plan.target_weights[target.key],
            )
            for output, target in zip(self.model.outputs, plan.targets, strict=True)
        }
        self.history: list[dict[str, float]] = []
        self.errors: dict[str, list[Tensor]] = {}
        self.loss_sum, self.seen, self.bad_steps = 0.0, 0, 0
        self.started, self.seconds = time.perf_counter(), 0.0

    @property
    def best(self) -> CarNet:
        """The network that validates and predicts: the average, where there is one."""
        model = self.model if self.average is None else self.average.module
        assert isinstance(model, CarNet)
        return model

    def on_train_epoch_start(self) -> None:
        """Start the random numbers and the clock of the epoch."""
        seed_everything(self.config.seed, self.current_epoch)
        self.loss_sum, self.seen = 0.0, 0
        self.started = time.perf_counter()
        self.seconds = 0.0

    def training_step(self, batch: StepBatch, batch_index: int) -> Tensor:
        """Return the loss of a batch; every parameter takes part in it."""
        graphs, labels, factor = batch
        predicted = predict_batch(self.model, graphs, labels, create_graph=True)
        loss = torch.zeros((), device=self.device)
        for key, term in self.losses.items():
            known = labels[key]
            if isinstance(term, PotentialLoss):
                assert isinstance(known, PotentialLabels)
                loss = loss + term(
                    predicted.energies, predicted.forces, predicted.strain_derivative, known
                )
            else:
                assert isinstance(known, TensorLabels)
                loss = loss + term(
                    predicted.tensors[key], predicted.learned[key], known, graphs.graphs
                )
        value = float(loss.detach())
        if factor:
            self.loss_sum += value * graphs.graphs
            self.seen += graphs.graphs
        self.log("loss", value, prog_bar=True, batch_size=graphs.graphs)
        every = torch.stack([each.sum() for each in self._learning()]).sum()
        return loss * factor + 0.0 * every

    def _learning(self) -> list[nn.Parameter]:
        """Return the parameters that are not frozen."""
        return [each for each in self.model.parameters() if each.requires_grad]

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient; leave a step out whose gradient is not finite."""
        limit = self.config.optimizer.clip or math.inf
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        if math.isfinite(norm):
            self.bad_steps = 0
            return
        self.bad_steps += 1
        if self.bad_steps >= PATIENCE_WITH_NAN:
            raise TrainingError(
                f"the gradient was not finite in {self.bad_steps} steps in a row; choose a smaller "
                f"optimizer.lr than {self.config.optimizer.lr:g}, or look for labels of an "
                "unlikely size"
            )
        optimizer.zero_grad()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Let the average follow."""
        if self.average is not None:
            self.average.update_parameters(self.model)

    def on_validation_epoch_start(self) -> None:
        """Stop the clock of training."""
        self._stop_clock()
        self.errors = {}

    def _stop_clock(self) -> None:
        if not self.seconds:
            self.seconds = time.perf_counter() - self.started

    def validation_step(self, batch: StepBatch, batch_index: int) -> None:
        """Collect the errors of every structure; what another process computes counts there."""
        graphs, labels, factor = batch
        if not factor:
            return
        predicted = predict_batch(self.best, graphs, labels)
        for name, values in errors(self.plan.targets, predicted, labels).items():
            self.errors.setdefault(name, []).append(values)

    def validation_summary(self) -> dict[str, float]:
        """Return the mean of each error over all structures that have it, whatever their batch."""
        summary = {}
        for name in error_names(self.plan.targets):
            values = torch.cat([torch.zeros(0), *self.errors.get(name, [])]).double()
            values = values[~torch.isnan(values)]
            total, count = self._over_processes(float(values.sum()), len(values))
            if count:
                summary[name] = total / count
        overall = score(self.plan.targets, summary, self.scales)
        if overall is not None:
            summary["score"] = overall
        return summary

    def _over_processes(self, total: float, count: int) -> tuple[float, int]:
        """Return a sum and a number of structures over all processes, the same in each."""
        if self.trainer.world_size == 1:
            return total, count
        parts = gathered((total, count))
        return sum(part[0] for part in parts), sum(part[1] for part in parts)

    def on_train_epoch_end(self) -> None:
        """Note how the epoch went."""
        self._stop_clock()
        summary = self.validation_summary()
        loss_sum, seen = self._over_processes(self.loss_sum, self.seen)
        record: dict[str, float] = {
            "epoch": self.current_epoch + 1,
            "loss": loss_sum / max(seen, 1),
            "lr": float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            **summary,
            "seconds": self.seconds,
            "crystals_per_second": self.size / self.seconds,
        }
        self.history.append(record)
        for name, value in summary.items():
            self.log(name, value, prog_bar=name == "score", sync_dist=True)

    def configure_optimizers(self) -> Any:
        """Return the optimizer with its schedule, a step of which follows each step."""
        settings = self.config.optimizer
        muon, learning = settings.method == "muon", self._learning()
        hidden = {id(each) for each in hidden_matrices(self.model)} if muon else set()
        rest = [each for each in learning if id(each) not in hidden]
        decay = settings.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": [p for p in rest if p.dim() > 1], "weight_decay": decay},
            {"params": [p for p in rest if p.dim() <= 1], "weight_decay": 0.0},
        ]
        optimizer: torch.optim.Optimizer
        if muon:
            turned = [each for each in learning if id(each) in hidden]
            groups.append({"params": turned, "weight_decay": decay, "matrices": True})
            optimizer = Muon(groups, settings.lr, settings.betas)
        else:
            optimizer = torch.optim.AdamW(groups, settings.lr, settings.betas, fused=True)
        steps = self.steps
        warmup, end = min(settings.warmup_steps, steps // 5), settings.final_lr_fraction

        def factor(step: int) -> float:
            cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
            value: float = min(1.0, (step + 1) / max(warmup, 1)) * (end + (1 - end) * cosine)
            return value

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what is not a parameter."""
        checkpoint["history"] = self.history
        checkpoint["bad"] = self.bad_steps

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what is not a parameter."""
        self.history = list(checkpoint["history"])
        self.bad_steps = checkpoint["bad"]

    @property
    def chosen(self) -> int:
        """Place in the history of the epoch with the least error; the last without validation."""
        values = [record.get("score", math.nan) for record in self.history]
        if not np.isfinite(values).any():
            return len(values) - 1
        return int(np.nanargmin(values))

    @property
    def exhausted(self) -> bool:
        """Whether validation has not gained for as long as early stopping allows."""
        patience = self.config.early_stopping
        return patience is not None and len(self.history) - 1 - self.chosen >= patience


def seed_everything(seed: int, epoch: int) -> None:
    """Start all random numbers from the seed of the run and the number of the epoch."""
    number = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002  # libraries may still use the global one
    torch.manual_seed(number)
