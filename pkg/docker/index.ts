export { type DockerEngineOptions, createDockerEngine } from './engine.ts';
export { type Timeouts } from './operation.ts';
