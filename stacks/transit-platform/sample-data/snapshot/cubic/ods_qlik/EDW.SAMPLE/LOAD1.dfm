{
 "dfmVersion": "1.1",
 "taskInfo": {
  "name": "sample",
  "sourceEndpoint": "source",
  "sourceEndpointType": "Oracle",
  "sourceEndpointUser": "sample",
  "replicationServer": "server",
  "operation": "dataProduced"
 },
 "fileInfo": {
  "name": "LOAD1",
  "extension": "csv.gz",
  "location": "incoming/cubic/EDW.SAMPLE",
  "startWriteTimestamp": "2021-12-01T11:20:30.444",
  "endWriteTimestamp": "2021-12-01T11:20:31.444",
  "firstTransactionTimestamp": null,
  "lastTransactionTimestamp": null,
  "content": "data",
  "recordCount": 6,
  "errorCount": 0
 },
 "formatInfo": {
  "format": "delimited",
  "options": {
   "fieldDelimiter": ",",
   "recordDelimiter": "\n",
   "nullValue": "",
   "quoteChar": "\"",
   "escapeChar": ""
  }
 },
 "dataInfo": {
  "sourceSchema": "EDW",
  "sourceTable": "SAMPLE",
  "targetSchema": "EDW",
  "targetTable": "SAMPLE",
  "tableVersion": 1,
  "columns": [
   {
    "ordinal": 1,
    "name": "SAMPLE_ID",
    "type": "INT4",
    "length": 4,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 1
   },
   {
    "ordinal": 2,
    "name": "SAMPLE_NAME",
    "type": "STRING",
    "length": 500,
    "precision": 0,
    "scale": 0,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 3,
    "name": "EDW_INSERTED_DTM",
    "type": "DATETIME",
    "length": 0,
    "precision": 0,
    "scale": 7,
    "primaryKeyPos": 0
   },
   {
    "ordinal": 4,
    "name": "EDW_UPDATED_DTM",
    "type": "DATETIME",
    "length": 0,
    "precision": 0,
    "scale": 7,
    "primaryKeyPos": 0
   }
  ]
 }
}
