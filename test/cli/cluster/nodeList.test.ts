import { describe, expect, it } from 'vitest';
import { expandNodeList, tasksOfNode } from '../../../src/cli/cluster/nodeList.js';

// As "scontrol show hostnames LIST" prints them: https://slurm.schedmd.com/scontrol.html; compared with a real one in
// test/integration/slurm.test.ts.
describe('a compressed list of hosts', () => {
  it.each([
    ['n1', ['n1']],
    ['n[1-2,5]', ['n1', 'n2', 'n5']],
    ['n[08-11]', ['n08', 'n09', 'n10', 'n11']],
    ['login,gpu[1-2],cpu-[7]', ['login', 'gpu1', 'gpu2', 'cpu-7']],
    ['rack[1-2]n[01-02]', ['rack1n01', 'rack1n02', 'rack2n01', 'rack2n02']],
    ['n[1-2].cluster.example', ['n1.cluster.example', 'n2.cluster.example']],
    ['10.0.0.[9-10]', ['10.0.0.9', '10.0.0.10']],
  ])('%s', (text, hosts) => {
    expect(expandNodeList(text)).toEqual(hosts);
  });

  it.each([
    '',
    'n[',
    'n[1',
    'n[2-1]',
    'n[a-b]',
    'n[]',
    'n 1',
    'n1,,n2',
    'n[1-99999999]',
    'x[1-300][1-300]',
    '$(id)',
  ])('%s is none', (text) => {
    expect(expandNodeList(text)).toBeUndefined();
  });
});

describe('tasks of a node', () => {
  it.each([
    ['2(x3),1', [2, 2, 2, 1, undefined]],
    ['4', [4, undefined]],
    ['1,3(x2)', [1, 3, 3, undefined]],
    ['two', [undefined]],
  ])('%s', (text, tasks) => {
    expect(tasks.map((_, node) => tasksOfNode(text, node))).toEqual(tasks);
  });
});
