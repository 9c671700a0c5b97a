export { type DockerEngineOptions, createDockerEngine } from './engine.ts';
