#!/usr/bin/env bash
# Measures Lockstep on a machine with a GPU, beside PyTorch if python3 has it. Each part has its own time limit. If a part
# fails, the next one runs all the same.
#
#   bash bench/gpu-visit.sh FOLDER              all parts
#   bash bench/gpu-visit.sh FOLDER parity peer  some parts
#   OUT=FOLDER bash bench/gpu-visit.sh parity
#
# Parts, in this order unless the command line has another:
#   machine  describes the machine, and which engines work
#   parity   compares gradients of the GPU engine with those of the exact one
#   probe    the limits of the GPU and of the connection to it
#   tiles    times the promising tiles of the GPU engine's kernels, and prints which a run would choose
#   engine   images/s and time by kernel, by network and micro-batch
#   peer     PyTorch on the same GPU: eager, channels-last, CUDA graphs, torch.compile; without TF32 and with
#   train    `lockstep train` on the GPU, one and two workers
#   mixed    a coordinator with two GPU workers and one on the processor
#   recipe   a whole recipe on CIFAR-10: alone, and through a coordinator with two GPU workers (needs LOCKSTEP_DATA_DIR)
#   cpu      the processor's cores: Lockstep beside PyTorch
#
# Writes to FOLDER: results.jsonl (one line per measurement, with its `part`), engine.json, tiles.jsonl, machine.txt, and
# visit.log with everything else. While a part runs, its output is in running.out.
#
# The variables below can be set. LIMIT_<PART> is a part's limit in seconds. VISIT_SCALE=tiny tests this script on a machine
# without a GPU (with scripts/setup-swiftshader.sh; PyTorch then uses the processor).
# LOCKSTEP_PEER_PYTHON names a Python with torch; LOCKSTEP_DATA_DIR names a folder with CIFAR-10 (default: synthetic images).
set -uo pipefail
CALLED_IN=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

ALL_PARTS='machine parity probe engine peer train mixed recipe cpu tiles'
PYTHON=${LOCKSTEP_PEER_PYTHON:-python3}
SCRIPTS=dist/bench/bench
export PYTHONUNBUFFERED=1

: "${LIMIT_MACHINE:=40}" "${LIMIT_PARITY:=60}" "${LIMIT_ENGINE:=120}" "${LIMIT_PEER:=170}"
: "${LIMIT_PROBE:=40}" "${LIMIT_TILES:=120}"
: "${LIMIT_TRAIN:=80}" "${LIMIT_MIXED:=30}" "${LIMIT_CPU:=90}" "${LIMIT_RECIPE:=300}"
SELF=bench/gpu-visit.sh
CORES=$(nproc)
if [ "${VISIT_SCALE:-full}" = tiny ]; then
  : "${PARITY_OPTIONS=--models resnet8 --micro-batches 2 --micro-batch 2 --large-micro-batch 3}"
  : "${ENGINE_OPTIONS=--models resnet8 --micro-batches 2 --warm-ups 1 --repetitions 2 --no-peer}"
  : "${PEER_DEVICE=cpu}" "${PEER_NETWORKS=8,8x2}" "${PEER_BATCHES=4}" "${PEER_GRAPHS=}" "${PEER_TF32=off,on}"
  : "${PEER_COMPILE_NETWORKS=8}" "${PEER_COMPILE_BATCHES=4}" "${PEER_COMPILE_TF32=off}" "${PEER_SECONDS=0.1}"
  : "${PROBE_OPTIONS=--tiny}" "${TILES_OPTIONS=--models resnet8 --micro-batches 1 --seconds 5 --most 2}"
  : "${TRAIN_CASES=resnet8:1:4:4,resnet8:2:4:2}" "${TRAIN_SECONDS=1}" "${TRAIN_WARM_UP=0}"
  : "${MIXED_OPTIONS=--model resnet8 --batch-size 6 --micro-batch 2 --seconds 1 --warm-up-seconds 0}"
  : "${RECIPE_CASES=alone:f32:4 coordinator:f32:4}"
  : "${RECIPE_OPTIONS=--model resnet8 --train-limit 64 --batch-size 16 --max-steps 2 --tta none}"
  : "${CPU_NETWORKS=8:8}" "${CPU_SECONDS=0.5}" "${CPU_WARM_UP=0.1}" "${CPU_MICRO_BATCH=4}"
fi
: "${PARITY_OPTIONS=--models resnet8,resnet20,resnet20x4}"
: "${ENGINE_OPTIONS=--models resnet20,resnet32,resnet20x4 --micro-batches 32,128,512,2048 --no-peer}"
: "${PROBE_OPTIONS=}" "${TILES_OPTIONS=--models resnet20,resnet20x4 --micro-batches 128 --seconds 40}"
: "${PEER_DEVICE=cuda}" "${PEER_NETWORKS=20,32,20x4}" "${PEER_BATCHES=128,512,32,2048}" "${PEER_GRAPHS=yes}"
: "${PEER_TF32=off,on}" "${PEER_SECONDS=0.3}" "${PEER_AMP=off}"
# Compiling takes tens of seconds a network and batch.
: "${PEER_COMPILE_NETWORKS=20,20x4}" "${PEER_COMPILE_BATCHES=128,512}" "${PEER_COMPILE_TF32=off,on}"
: "${TRAIN_CASES=resnet20:1:128:128,resnet20:1:512:512,resnet20:2:512:128,resnet20:1:512:128,resnet20:2:128:64}"
: "${TRAIN_SECONDS=10}" "${TRAIN_WARM_UP=2}"
# --tune: choose tiles before the first step; some 25 s for each network and micro-batch that is new.
: "${TRAIN_OPTIONS=}"
: "${MIXED_OPTIONS=--model resnet20 --batch-size 512 --micro-batch 64 --seconds 8 --warm-up-seconds 2}"
# Form, precision and micro-batch of each run of the recipe.
: "${RECIPE_CASES=alone:f32:256 coordinator:f32:256 alone:f16:256 alone:f32:32}" "${RECIPE=fast94}" "${RECIPE_OPTIONS=--val-size 0 --test}" "${RECIPE_PORT=7171}"
: "${CPU_SECONDS=2}" "${CPU_WARM_UP=0.7}" "${CPU_MICRO_BATCH=32}" "${CPU_LAYOUTS=channels-last}"
# Each network with its images a core and step; a step has at most CPU_MOST.
: "${CPU_NETWORKS=20:128 20x4:32}" "${CPU_MOST=512}"

bench() { # SCRIPT ARGUMENT...
  node "$SCRIPTS/$1.js" "${@:2}"
}

part_machine() {
  {
    date -u
    uname -srm
    lscpu | grep -E '^(Model name|CPU\(s\)|Socket|Core|Thread|CPU max MHz|L[123]|NUMA node\(s\))'
    free -g | head -n 2
    echo "node $(node --version), $($PYTHON --version), lockstep $(node bin/lockstep --version)"
    git rev-parse HEAD 2>/dev/null
    $PYTHON -c 'import torch; print("torch", torch.__version__, "cuda", torch.version.cuda, "cudnn", torch.backends.cudnn.version())'
    # Numbers that tell one card from its sisters stay out of what may be published.
    if command -v nvidia-smi; then nvidia-smi -q | grep -viE 'serial|[gu]uid|bus id|host id|part number|pdi|host ?name'; fi
  } >"$OUT/machine.txt" 2>&1
  grep -E '^(Model name|CPU\(s\)|node|torch| +(Product Name|Driver Version|CUDA Version))' "$OUT/machine.txt" >&2
  grep -m 1 'Driver Version' "$OUT/machine.txt" >&2
  node bin/lockstep engines --json --seconds 1
}

part_parity() {
  bench gpuParity $PARITY_OPTIONS
}

part_probe() {
  bench gpuProbe $PROBE_OPTIONS
}

part_tiles() {
  bench gpuTiles $TILES_OPTIONS --json "$OUT/tiles.jsonl"
}

part_engine() {
  bench gpu --json "$OUT/engine.json" $ENGINE_OPTIONS
}

# The last stage may use what is left.
part_peer() {
  local common=(--device "$PEER_DEVICE" --seconds "$PEER_SECONDS" --amp "$PEER_AMP") failed=0
  peer eager,channels-last "$PEER_NETWORKS" "$PEER_BATCHES" "$PEER_TF32" $((LIMIT_PEER * 35 / 100)) || failed=1
  if [ -n "$PEER_GRAPHS" ]; then
    peer graphs "$PEER_NETWORKS" "$PEER_BATCHES" "$PEER_TF32" $((LIMIT_PEER * 20 / 100)) || failed=1
  fi
  peer compile "$PEER_COMPILE_NETWORKS" "$PEER_COMPILE_BATCHES" "$PEER_COMPILE_TF32" "$LIMIT_PEER" || failed=1
  return $failed
}

peer() { # MODES NETWORKS BATCHES TF32 SECONDS
  "$PYTHON" bench/peers/gpu_peer.py "${common[@]}" --modes "$1" --networks "$2" --batches "$3" --tf32 "$4" \
    --deadline-seconds "$5"
}

part_train() {
  bench trainingRates --engine webgpu --cases "$TRAIN_CASES" --seconds "$TRAIN_SECONDS" --warm-up-seconds "$TRAIN_WARM_UP" \
    $TRAIN_OPTIONS
}

part_mixed() {
  bench mixedRun $MIXED_OPTIONS
}

# Prints the epochs, the result and the exit status of each run, at once.
part_recipe() {
  [ -n "${LOCKSTEP_DATA_DIR:-}" ] || { echo '{"error":"LOCKSTEP_DATA_DIR is not set"}'; return 1; }
  local one form precision micro_batch folder failed=0 status
  for one in $RECIPE_CASES; do
    IFS=: read -r form precision micro_batch <<<"$one"
    folder=$(mktemp -d)
    "recipe_$form" "$precision" --recipe "$RECIPE" --dataset cifar10 --data-dir "$LOCKSTEP_DATA_DIR" \
      --micro-batch "$micro_batch" --run-dir "$folder/run" --json $RECIPE_OPTIONS |
      sed -n "/\"event\":\"\(epoch\|run-finished\)\"/s/^{/{\"case\":\"$one\",/p"
    status=${PIPESTATUS[0]}
    echo "{\"case\":\"$one\",\"exitStatus\":$status}"
    [ "$status" = 0 ] || failed=1
    rm -rf "$folder"
  done
  return $failed
}

recipe_alone() { # PRECISION OPTION...
  node bin/lockstep train --engine webgpu --workers 2 --no-tune --precision "$@"
}

# Each worker is a process of its own, attached over loopback. If the coordinator fails, they are ended.
recipe_coordinator() { # PRECISION OPTION...
  local number precision=$1 status workers=()
  LOCKSTEP_TOKEN=$(head -c 24 /dev/urandom | base64 | tr -d '/+=')
  export LOCKSTEP_TOKEN
  for number in 1 2; do
    node bin/lockstep worker "ws://127.0.0.1:$RECIPE_PORT" --engine webgpu --precision "$precision" --threads 1 \
      --no-tune --name "gpu-$number" >/dev/null &
    workers+=($!)
  done
  node bin/lockstep coordinator --listen "127.0.0.1:$RECIPE_PORT" --min-workers 2 "${@:2}"
  status=$?
  [ "$status" = 0 ] || kill "${workers[@]}"
  wait "${workers[@]}"
  return $status
}

# Lockstep and PyTorch take turns. First all cores, then one, then the numbers in between.
part_cpu() {
  local failed=0 count network
  for count in $(core_counts); do
    for network in $CPU_NETWORKS; do
      local name=${network%:*} batch=$((${network#*:} * count))
      [ "$batch" -le "$CPU_MOST" ] || batch=$CPU_MOST
      bench trainingRates --engine simd --cases "resnet$name:$count:$batch:$CPU_MICRO_BATCH" \
        --seconds "$CPU_SECONDS" --warm-up-seconds "$CPU_WARM_UP" || failed=1
    done
    cpu_peer "$count" || failed=1
  done
  return $failed
}

cpu_peer() { # CORES
  local cases='' threads=() network
  for network in $CPU_NETWORKS; do
    local batch=$((${network#*:} * $1))
    [ "$batch" -le "$CPU_MOST" ] || batch=$CPU_MOST
    cases="$cases${cases:+,}${network%:*}:$batch"
  done
  [ "$1" != "$CORES" ] || [ "$1" = 1 ] || threads=(--threads "$1")
  "$PYTHON" bench/peers/cpu_peer.py --processes "$1" "${threads[@]}" --cases "$cases" --layouts "$CPU_LAYOUTS" \
    --seconds "$CPU_SECONDS"
}

core_counts() {
  echo "$CORES"
  [ "$CORES" = 1 ] || echo 1
  local count
  for ((count = 2; count < CORES; count *= 2)); do echo "$count"; done | sort -rn
}

build_if_needed() {
  [ -e "$SCRIPTS/gpuParity.js" ] && [ -e dist/cli/main.js ] && return
  { npm run build && npx tsc -p tsconfig.bench.json; } >&2 || { echo 'the build failed; run npm ci first' >&2 && exit 1; }
}

run_part() { # NAME
  local limit="LIMIT_${1^^}" started=$SECONDS status running="$OUT/running.out"
  echo "== $1, at most ${!limit} s, $(date -u +%T)" >>"$OUT/visit.log"
  : >"$running"
  timeout -k 5 "${!limit}" bash "$SELF" --inside "$1" >"$running" 2>>"$OUT/visit.log" </dev/null
  status=$?
  grep '^{' "$running" | sed "s/^{/{\"part\":\"$1\",/" >>"$OUT/results.jsonl"
  grep -v '^{' "$running" >>"$OUT/visit.log"
  local summary
  summary="$1: $(word_for $status), $((SECONDS - started)) s, $(grep -c '^{' "$running") lines, $(
    grep -cE '"error":|"endedBy":|"passes":false' "$running") of them bad"
  rm -f "$running"
  echo "== $summary" | tee -a "$OUT/visit.log"
}

word_for() {
  case $1 in
    0) echo ok ;;
    124 | 137) echo 'time is up' ;;
    *) echo "failed ($1)" ;;
  esac
}

is_part() { [[ " $ALL_PARTS " == *" $1 "* ]]; }

if [ "${1:-}" = --inside ]; then
  "part_$2"
  exit
fi
if [ $# -gt 0 ] && ! is_part "$1"; then
  OUT=$1
  shift
fi
[ -n "${OUT:-}" ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$SELF" >&2; exit 2; }
for part in "$@"; do
  is_part "$part" || { echo "$part is none of the parts: $ALL_PARTS" >&2; exit 2; }
done
OUT=$(cd "$CALLED_IN" && mkdir -p "$OUT" && cd "$OUT" && pwd) || exit 1
export OUT
build_if_needed
for part in ${*:-$ALL_PARTS}; do run_part "$part"; done
