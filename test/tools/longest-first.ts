import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds that the longest files take, roughly: only their order counts. A new machine knows no earlier run. */
const SECONDS: Readonly<Record<string, number>> = {
  'test/integration/engine-contract.test.ts': 400,
  'test/integration/swarm.test.ts': 180,
  'test/integration/check.test.ts': 160,
  'test/integration/faults.test.ts': 150,
  'test/integration/crash.test.ts': 140,
  'test/integration/single.test.ts': 130,
  'test/integration/source-git-faults.test.ts': 110,
  'test/integration/systemd.test.ts': 105,
  'test/integration/single-update.test.ts': 100,
  'test/integration/kv.test.ts': 90,
  'test/e2e/article.test.ts': 80,
  'test/sim/sim.test.ts': 150,
  'pkg/source/hostile.test.ts': 30,
  'test/sim/quick.test.ts': 20,
};

function secondsOf({ moduleId, project }: TestSpecification): number {
  return SECONDS[moduleId.slice(project.config.root.length + 1)] ?? 0;
}

function groupOf({ project }: TestSpecification): number {
  return project.config.sequence.groupOrder;
}

/** Starts the longest files of a group first, so that in the end no worker is busy with one while the others have nothing left. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || secondsOf(b) - secondsOf(a));
  }
}
