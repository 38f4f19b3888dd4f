#!/usr/bin/env bash
# A sweep with a Slurm array: learning rates and seeds, each task of the array a run in a folder of its own.
#
#   sbatch examples/sweep_slurm.sh
#   groundling compare --a runs/sweep/lr1.5e-3/seed* --b runs/sweep/lr5e-4/seed*
#
# RUNS (where the runs go), FRAMES and EPISODES may be set before. A task that Slurm stops (--time, preemption) or starts
# again goes on from its checkpoint. For one run on several machines see docs/scale.md.
#SBATCH --job-name=groundling-sweep
#SBATCH --array=0-8
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=01:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

rates=(5e-4 1.5e-3 5e-3)
seeds=(1 2 3)
task=${SLURM_ARRAY_TASK_ID:?is set by sbatch; by hand: SLURM_ARRAY_TASK_ID=0 bash $0}
rate=${rates[$((task / ${#seeds[@]}))]}
seed=${seeds[$((task % ${#seeds[@]}))]}
run=${RUNS:-runs/sweep}/lr$rate/seed$seed

if [ -f "$run/checkpoint.pt" ]; then
    groundling train --resume "$run"
else
    groundling train --task BabyAI-GoToLocal-v0 --ppo.learning-rate "$rate" --seed "$seed" \
        --total-frames "${FRAMES:-1500000}" --run-folder "$run" "$@"
fi
groundling evaluate "$run" --no-video --episodes "${EPISODES:-1000}"
