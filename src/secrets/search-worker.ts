import { parentPort, workerData } from 'node:worker_threads'
import { type SearchJob, searchRuns } from './search-runs.ts'

parentPort?.postMessage((workerData as SearchJob[]).map(searchRuns))
