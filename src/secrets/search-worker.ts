import { parentPort, workerData } from 'node:worker_threads'
import { type SearchJob, searchJobs } from './search-runs.ts'

parentPort?.postMessage(searchJobs(workerData as SearchJob[]))
